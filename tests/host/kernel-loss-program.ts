/**
 * What kernel-loss.test.ts runs inside a network namespace of its own: the kernel's TAP hangs on a switch of ours that delays and loses,
 * our stack on another port of it, recorded. Arguments: the case, the capture's path.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket as KernelSocket } from "node:net";
import { type CableHook, cable, frameSwitch, type Impairments } from "../../host/device/index.ts";
import { createStack, type Knobs, pcapng, type Socket, type Stack, tap } from "../../host/index.ts";

const KERNEL = "10.9.0.2";
const OURS = "10.9.0.1";
/** The echo service: tshark takes its text as text. */
const PORT = 7;
const ETHERNET = 14;

/** An IPv4 frame with TCP: where its headers and its text are. */
interface Tcp { readonly ip: number; readonly tcp: number; readonly text: number; readonly fromKernel: boolean }

function tcpOf(frame: Uint8Array): Tcp | undefined {
  if (frame.length < ETHERNET + 40 || frame[12] !== 8 || frame[13] !== 0 || frame[ETHERNET + 9] !== 6) return undefined;
  const header = ((frame[ETHERNET] as number) & 15) * 4, tcp = ETHERNET + header;
  const total = ((frame[ETHERNET + 2] as number) << 8) | (frame[ETHERNET + 3] as number);
  const text = total - header - ((frame[tcp + 12] as number) >> 4) * 4;
  return { ip: ETHERNET, tcp, text, fromKernel: frame[ETHERNET + 15] === 2 };
}

/** A router's mark: CE in place of ECT, and the header's checksum to match (RFC 1624). */
function mark(frame: Uint8Array, { ip }: Tcp): void {
  const before = frame[ip + 1] as number;
  frame[ip + 1] = before | 3;
  let sum = (~((frame[ip + 10] as number) << 8 | (frame[ip + 11] as number)) & 0xffff) + (~before & 0xffff) + (before | 3);
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  frame[ip + 10] = sum >>> 8;
  frame[ip + 11] = sum & 0xff;
}

interface Bench { readonly stack: Stack; end(): Promise<void> }

async function bench(capture: string, wire: Impairments, hook: CableHook, knobs: Knobs = {}): Promise<Bench> {
  const device = tap("lastack0", { offload: false });
  execFileSync("ip", ["addr", "add", `${KERNEL}/24`, "dev", device.name]);
  execFileSync("ip", ["link", "set", device.name, "up"]);
  const bridge = frameSwitch({ ports: 2, ...wire });
  const unplug = cable(device, bridge.port(0), hook);
  const stack = await createStack({ devices: [pcapng(bridge.port(1), capture)], addresses: [`${OURS}/24`], knobs });
  return {
    stack,
    end: async () => {
      await stack.close();
      unplug();
      bridge.close();
    },
  };
}

async function readAll(socket: AsyncIterable<Uint8Array>): Promise<number> {
  let got = 0;
  for await (const part of socket) got += part.length;
  return got;
}

/** The kernel's program connects to us, our server answers with `ours` bytes and gets `theirs`. */
async function accepted(stack: Stack, ours: number, theirs: number): Promise<void> {
  const server = await stack.listen({ port: PORT });
  const client = connect(PORT, OURS);
  const socket = await server.accept();
  await exchange(socket, client, ours, theirs);
  await server.close();
}

async function exchange(socket: Socket, kernel: KernelSocket, ours: number, theirs: number): Promise<void> {
  const there = readAll(kernel), here = readAll(socket);
  kernel.end(Buffer.alloc(theirs, 0x61));
  await socket.write(Buffer.alloc(ours, 0x62));
  await socket.shutdown("send");
  assert.deepEqual([await here, await there], [theirs, ours]);
  const report = await socket.close();
  assert.equal(report.outcome, "graceful", JSON.stringify(report));
}

/** We connect to the kernel's server. */
async function opened(stack: Stack, ours: number, theirs: number): Promise<void> {
  const server = createServer({ allowHalfOpen: true }).listen(PORT, KERNEL);
  await once(server, "listening");
  const coming = once(server, "connection") as Promise<[KernelSocket]>;
  const socket = await stack.connect({ address: KERNEL, port: PORT });
  const [kernel] = await coming;
  await exchange(socket, kernel, ours, theirs);
  server.close();
}

const CASES: Record<string, (capture: string) => Promise<void>> = {
  /** Both directions lose about one frame in a hundred and take 20 ms. */
  async options(capture) {
    const { stack, end } = await bench(capture, { delayMs: 10, loss: 0.004, seed: 11 }, () => true);
    await accepted(stack, 700_000, 700_000);
    await opened(stack, 100_000, 100_000);
    await end();
  },

  /** The last two segments of what we say are lost, the first time. */
  async tail(capture) {
    const total = 20_000;
    let start = -1;
    let lost = 0;
    const { stack, end } = await bench(capture, { delayMs: 10 }, (frame, from) => {
      const it = tcpOf(frame);
      if (from === "a" || !it || it.text === 0) return true;
      const seq = new DataView(frame.buffer, frame.byteOffset).getUint32(it.tcp + 4);
      if (start < 0) start = seq;
      if (lost >= 2 || ((seq - start) >>> 0) + it.text <= total - 2000) return true;
      lost++;
      return false;
    });
    const server = createServer({ allowHalfOpen: true }).listen(PORT, KERNEL);
    await once(server, "listening");
    const coming = once(server, "connection") as Promise<[KernelSocket]>;
    const socket = await stack.connect({ address: KERNEL, port: PORT });
    const [kernel] = await coming;
    let got = 0;
    const all = new Promise<void>((resolve) => kernel.on("data", (part) => { got += part.length; if (got === total) resolve(); }));
    await socket.write(Buffer.alloc(total, 0x62));
    await all;
    assert.equal(lost, 2);
    assert.equal(stack.stats().tcpTimeouts, 0, "repaired without a timeout");
    kernel.end();
    assert.equal((await socket.close()).outcome, "graceful");
    server.close();
    await end();
  },

  /** Marks of a router on the way, one in each direction. */
  async ecn(capture) {
    execFileSync("sysctl", ["-qw", "net.ipv4.tcp_ecn=1"]);
    let [ours, theirs] = [0, 0];
    const { stack, end } = await bench(capture, { delayMs: 5 }, (frame) => {
      const it = tcpOf(frame);
      if (!it || it.text === 0) return true;
      const n = it.fromKernel ? ++theirs : ++ours;
      // The fields say ECT(0) or ECT(1), or nothing may be marked.
      if (n === 20 && ((frame[it.ip + 1] as number) & 3) !== 0) mark(frame, it);
      return true;
    }, { ecnAsk: true });
    await accepted(stack, 100_000, 100_000);
    await opened(stack, 10_000, 10_000);
    await end();
  },
};

const [name = "", capture = ""] = process.argv.slice(2);
const run = CASES[name];
assert.ok(run, `no case "${name}"`);
await run(capture);
console.log(`${name} ok`);
