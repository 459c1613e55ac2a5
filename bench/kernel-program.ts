/**
 * What bench/kernel.ts runs in a network namespace of its own, one case per process: `CASE MS WASM`. Prints Gbit/s of payload at MTU 1500.
 * The kernel's end of a connection is another process.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createStack, type FrameDevice, type Socket, tap } from "../host/index.ts";

const GBIT = 8e-9;
const CHUNK = 65_536;
const WINDOW = 1 << 20;
const PORT = 5201;
const [OURS, KERNEL] = ["10.0.0.1", "10.0.0.2"];
/** Frames of the bare loop: as those of a full segment with timestamps. */
const FRAME = 1514;
const PAYLOAD = 1448;
/** Bare frames under way at once, within the queues of a bridge. */
const BURST = 32;
const ETHERTYPE_LOCAL = 0x88b5;

const ip = (text: string): string => execFileSync("ip", text.split(" "), { encoding: "utf8" });

/** Started as a program of its own, in the namespace of `pid` if given; ready when it has said so. */
async function helper(command: string, args: readonly string[], ready: string): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  for await (const text of child.stdout) if (String(text).includes(ready)) break;
  return child;
}

async function onTap(wasm: string, offload: boolean, use: (stack: Awaited<ReturnType<typeof createStack>>) => Promise<number>): Promise<number> {
  const device = tap("lastack0", { offload });
  if (offload && !device.offload.segments) throw new Error("the kernel grants no segmentation offload");
  ip(`addr add ${KERNEL}/24 dev ${device.name}`);
  ip(`link set ${device.name} up`);
  const limits = { sendBuffer: WINDOW, receiveBuffer: WINDOW };
  const stack = await createStack({ wasm: await WebAssembly.compile(readFileSync(wasm)), devices: [device], addresses: [`${OURS}/24`], limits });
  try {
    return await use(stack);
  } finally {
    await stack.close({ deadlineMs: 0 });
  }
}

/** Measurements' worth of time for the compiler: each process begins anew. */
const WARM = 5;

/** Gbit/s that `step` does once it is warm; however short the time is, something has to have happened. */
async function rate(ms: number, step: () => Promise<number>): Promise<number> {
  const run = async (ms: number): Promise<number> => {
    const started = performance.now();
    let [bytes, elapsed] = [0, 0];
    while (elapsed < ms || bytes === 0) {
      bytes += await step();
      elapsed = performance.now() - started;
    }
    return (bytes * GBIT) / (elapsed / 1000);
  };
  await run(WARM * ms);
  return run(ms);
}

/** A transfer between the stack and a program that moves 128 KiB a call and does nothing else: what is measured is the stack. */
const transfer = (ms: number, wasm: string, offload: boolean, program: string, step: (socket: Socket) => () => Promise<number>): Promise<number> => onTap(wasm, offload, async (stack) => {
  const server = await stack.listen({ port: PORT });
  const other = spawn("bash", ["-c", program], { stdio: "ignore" });
  const socket = await server.accept();
  const found = await rate(ms, step(socket));
  await socket.abort();
  await once(other, "exit");
  return found;
});

const receive = (ms: number, wasm: string, offload = false): Promise<number> => transfer(ms, wasm, offload, `exec cat /dev/zero > /dev/tcp/${OURS}/${PORT}`, (socket) => {
  const target = new Uint8Array(CHUNK);
  return () => socket.readInto(target);
});

const send = (ms: number, wasm: string, offload = false): Promise<number> => transfer(ms, wasm, offload, `exec cat < /dev/tcp/${OURS}/${PORT} > /dev/null`, (socket) => {
  const chunk = new Uint8Array(CHUNK).fill(7);
  return async () => {
    await socket.write(chunk);
    return CHUNK;
  };
});

/** Frames written to one TAP and read from another behind a bridge, nothing else done with them: one call each. */
async function loop(ms: number): Promise<number> {
  const [out, back] = [tap("bare0", { offload: false }), tap("bare1", { offload: false })];
  ip("link add bare type bridge");
  for (const name of ["bare0", "bare1"]) ip(`link set ${name} master bare up`);
  ip("link set bare up");
  const frame = new Uint8Array(FRAME);
  new DataView(frame.buffer).setUint16(12, ETHERTYPE_LOCAL);
  frame.set(back.mac, 0);
  frame.set(out.mac, 6);
  const parts = Int32Array.of(0, FRAME);
  const target = new Uint8Array(2 * FRAME);
  const take = (device: FrameDevice): number => {
    let frames = 0;
    // What the kernel itself sends on the bridge is none of ours.
    for (let length = device.readInto(target, 0, target.length); length > 0; length = device.readInto(target, 0, target.length)) if (length === FRAME) frames++;
    return frames;
  };
  const found = await rate(ms, async () => {
    for (let i = 0; i < BURST; i++) out.write(frame, parts, 0, 1);
    await new Promise((resolve) => setImmediate(resolve));
    return take(back) * PAYLOAD;
  });
  out.close();
  back.close();
  return found;
}

/** Two kernels over veth. Without `offloads` every segment is a packet on its way through both, as on a wire. */
async function veth(ms: number, offloads: boolean): Promise<number> {
  const other = spawn("unshare", ["-n", "sleep", "60"], { stdio: "ignore" });
  const there = ["-t", String(other.pid), "-n"];
  ip("link add near type veth peer name far");
  // The other namespace is there once unshare has made it.
  const own = execFileSync("readlink", ["/proc/self/ns/net"], { encoding: "utf8" });
  while (execFileSync("readlink", [`/proc/${other.pid}/ns/net`], { encoding: "utf8" }) === own) await new Promise((resolve) => setImmediate(resolve));
  ip(`link set far netns ${other.pid}`);
  ip(`addr add ${OURS}/24 dev near`);
  ip("link set near up");
  execFileSync("nsenter", [...there, "sh", "-c", `ip addr add ${KERNEL}/24 dev far && ip link set far up`]);
  if (!offloads) {
    // gso_max_segs 1 would do the same, and make the kernel's sender twenty times slower besides.
    execFileSync("ethtool", ["-K", "near", ...NO_OFFLOADS]);
    execFileSync("nsenter", [...there, "ethtool", "-K", "far", ...NO_OFFLOADS]);
  }
  const server = await helper("nsenter", [...there, "iperf3", "-s", "-1", "--forceflush"], "listening");
  const seconds = Math.max(1, Math.round(ms / 1000));
  const answer = execFileSync("iperf3", ["-c", KERNEL, "-t", String(seconds), "-J"], { encoding: "utf8" });
  server.kill();
  other.kill();
  return (JSON.parse(answer) as { end: { sum_received: { bits_per_second: number } } }).end.sum_received.bits_per_second / 1e9;
}

const NO_OFFLOADS = ["tso", "off", "gso", "off", "gro", "off"];
const CASES: Readonly<Record<string, (ms: number, wasm: string) => Promise<number>>> = {
  receive, send, loop, "receive-super": (ms, wasm) => receive(ms, wasm, true), "send-super": (ms, wasm) => send(ms, wasm, true), "veth-on": (ms) => veth(ms, true), "veth-off": (ms) => veth(ms, false),
};

const [name = "", ms = "", wasm = ""] = process.argv.slice(2);
ip("link set lo up");
console.log(await (CASES[name] as (typeof CASES)[string])(Number(ms), wasm));
process.exit(0);
