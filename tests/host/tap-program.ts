/** What tap.test.ts runs inside a network namespace of its own: one case per process, named on the command line. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { createStack, type Stack } from "../../host/index.ts";
import { decodeFrame, DeviceError, formatMac, parseMac, partsLength, pcapng, type TapDevice, type TapOptions, tap, vnetBytes } from "../../host/device/index.ts";
import { receive, send, udpFrame } from "./device-frames.ts";

const KERNEL = "10.0.0.2";
const OURS = "10.0.0.1";
const PORT = 5353;

function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

interface Bench {
  device: TapDevice;
  kernel: Socket;
  /** Datagrams from the kernel's socket to us, by their payload's first 4 bytes. */
  numbers: number[];
  /** Resolves once `count` datagrams came. */
  received(count: number): Promise<void>;
}

/** A TAP with the kernel's socket at its other end; we are a neighbour the kernel need not ask for. Without offloads unless they are asked for. */
async function bench(options: TapOptions = {}, read = true): Promise<Bench> {
  const device = tap("lastack0", { offload: false, ...options });
  ip("addr", "add", `${KERNEL}/24`, "dev", device.name);
  ip("link", "set", device.name, "up");
  ip("neigh", "add", OURS, "lladdr", formatMac(device.mac), "dev", device.name);
  const kernel = createSocket("udp4");
  kernel.bind(PORT, KERNEL);
  await once(kernel, "listening");
  const numbers: number[] = [];
  let [wanted, reached] = [Number.POSITIVE_INFINITY, (): void => {}];
  const take = (): void => {
    for (const frame of receive(device)) {
      const bare = frame.subarray(vnetBytes(device));
      const { udp } = decodeFrame(bare);
      if (udp?.sourcePort === PORT) numbers.push(new DataView(bare.buffer, bare.byteOffset + udp.payloadOffset).getUint32(0));
    }
    if (numbers.length >= wanted) reached();
  };
  if (read) device.onReadable = take;
  const received = (count: number): Promise<void> => {
    wanted = count;
    return new Promise((resolve) => {
      reached = resolve;
      device.onReadable = take;
      take();
    });
  };
  return { device, kernel, numbers, received };
}

function ask(kernel: Socket, number: number): Promise<void> {
  const payload = Buffer.alloc(64);
  payload.writeUInt32BE(number);
  return new Promise((resolve, reject) => kernel.send(payload, 53, OURS, (error) => (error ? reject(error) : resolve())));
}

/** Our datagram to the kernel, addressed to its interface. */
function reply(device: TapDevice, payload: number[]): boolean {
  const frame = udpFrame(payload);
  const address = /link\/ether (\S+)/.exec(ip("link", "show", device.name))?.[1] as string;
  frame.set(parseMac(address), 0);
  frame.set(device.mac, 6);
  return send(device, Uint8Array.from([...new Uint8Array(vnetBytes(device)), ...frame]));
}

/** Ends a case: what the device or the socket still held would keep the process running, and the test would see that. */
function end({ device, kernel }: Bench): void {
  kernel.close();
  device.close();
  device.close();
}

async function exchange(input: "pipe" | "poll", offload = false): Promise<void> {
  const it = await bench({ input, offload });
  assert.equal(it.device.inputMethod, input);
  assert.deepEqual(it.device.offload, { checksum: offload, segments: offload });
  assert.equal(it.device.mtu, 1500);
  for (let i = 0; i < 50; i++) await ask(it.kernel, i);
  await it.received(50);
  assert.deepEqual(it.numbers, Array.from({ length: 50 }, (_, i) => i));
  const answer = once(it.kernel, "message");
  assert.equal(reply(it.device, [1, 2, 3]), true);
  const [message] = (await answer) as [Buffer];
  assert.deepEqual([...message], [1, 2, 3]);
  assert.equal(it.device.stats.outFrames, 1);
  end(it);
  assert.equal(it.device.readInto(new Uint8Array(100), 0, 100), 0);
}

/** A reader that does not read leaves frames with the kernel; once it reads, none is missing. */
async function backpressure(input: "pipe" | "poll", offload = false): Promise<void> {
  const it = await bench({ input, offload, queueFrames: 16 }, false);
  const full = new Promise<void>((resolve) => {
    it.device.onReadable = resolve;
  });
  for (let i = 0; i < 300; i++) await ask(it.kernel, i);
  await full;
  await it.received(300);
  assert.deepEqual(it.numbers, Array.from({ length: 300 }, (_, i) => i));
  assert.equal(it.device.stats.dropped, 0);
  end(it);
}

async function removed(input: "pipe" | "poll"): Promise<void> {
  let told = 0;
  const gone = new Promise<Error>((resolve) => {
    void bench({
      input,
      onGone: (error) => {
        told++;
        resolve(error);
      },
    }).then((it) => {
      it.kernel.close();
      ip("link", "del", it.device.name);
      void gone.then(() => {
        const before = it.device.stats.dropped;
        assert.equal(send(it.device, udpFrame([1])), true);
        assert.equal(it.device.stats.dropped, before + 1);
      });
    });
  });
  assert.ok((await gone) instanceof Error);
  assert.equal(told, 1);
}

/** A wait that outlives its caller's variables: what it polls must not be collected. */
async function collected(): Promise<void> {
  const it = await bench({ input: "poll" });
  const { gc } = globalThis as unknown as { gc(): void };
  for (let i = 0; i < 300; i++) {
    const junk = Array.from({ length: 100 }, () => Buffer.alloc(16));
    gc();
    await ask(it.kernel, i + junk.length - 100);
    await it.received(i + 1);
  }
  end(it);
}

async function down(): Promise<void> {
  const it = await bench();
  ip("link", "set", it.device.name, "down");
  assert.equal(reply(it.device, [1]), true);
  assert.equal(send(it.device, new Uint8Array(5)), true);
  assert.equal(send(it.device, new Uint8Array(1515)), true);
  assert.equal(it.device.stats.dropped, 3);
  end(it);
}

function fails(open: () => unknown, code: string, message: RegExp): void {
  assert.throws(open, (error: Error) => {
    assert.ok(error instanceof DeviceError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

async function refusals(): Promise<void> {
  const first = tap("lastack0", { mac: "02:00:00:00:00:77" });
  assert.equal(formatMac(first.mac), "02:00:00:00:00:77");
  fails(() => tap("lastack0"), "EBUSY", /TUNSETIFF lastack0: lastack0 is in use by another program/);
  first.close();
  fails(() => tap("lo"), "EINVAL", /lo exists and is not a TAP device/);
  const numbered = tap("lastack%d");
  assert.match(numbered.name, /^lastack\d+$/);
  numbered.close();
}

/** A device made beforehand keeps its MTU, and outlives us. */
async function persistent(): Promise<void> {
  ip("tuntap", "add", "dev", "lastack0", "mode", "tap");
  ip("link", "set", "lastack0", "mtu", "9000");
  const device = tap("lastack0");
  assert.equal(device.mtu, 9000);
  device.close();
  const again = tap("lastack0", { mtu: 1280 });
  assert.equal(again.mtu, 1280);
  again.close();
  assert.match(ip("link", "show", "lastack0"), /mtu 9000/);
}

/** Bytes of the longest frames that cross the device from now on. */
function watched(device: TapDevice): { read: number; written: number } {
  const longest = { read: 0, written: 0 };
  const [read, write] = [device.readInto.bind(device), device.write.bind(device)];
  device.readInto = (target, offset, capacity) => {
    const length = read(target, offset, capacity);
    longest.read = Math.max(longest.read, length);
    return length;
  };
  device.write = (memory, parts, first, count) => {
    longest.written = Math.max(longest.written, partsLength(parts, first, count));
    return write(memory, parts, first, count);
  };
  return longest;
}

/** A device that outlives its users hands none of them what another one agreed on; the stack takes either. */
async function agreements(): Promise<void> {
  ip("tuntap", "add", "dev", "lastack0", "mode", "tap");
  ip("addr", "add", `${KERNEL}/24`, "dev", "lastack0");
  ip("link", "set", "lastack0", "up");
  for (const offload of [true, false, true]) {
    const device = tap("lastack0", { offload });
    assert.deepEqual(device.offload, { checksum: offload, segments: offload });
    const longest = watched(device);
    await echoed(await createStack({ devices: [device], addresses: [`${OURS}/24`] }), 2_000_000);
    for (const length of [longest.read, longest.written]) assert.ok(offload ? length > 20_000 : length <= 1514, JSON.stringify(longest));
    assert.equal(device.stats.dropped, 0);
  }
}

/** What the kernel's socket sends comes back, and the close is graceful. Closes the stack. */
async function echoed(stack: Stack, bytes: number): Promise<void> {
  const server = await stack.listen({ port: 7 });
  const serving = (async () => {
    const socket = await server.accept();
    for await (const chunk of socket) await socket.write(chunk);
    return socket.close();
  })();
  const sent = Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
  const client = connect(7, OURS);
  client.end(sent);
  const back: Buffer[] = [];
  for await (const chunk of client) back.push(chunk);
  assert.ok(Buffer.concat(back).equals(sent), "the bytes that were sent");
  const report = await serving;
  assert.deepEqual([report.outcome, report.bytes.unacknowledged], ["graceful", 0]);
  await stack.close();
}

/** A device that stays in this thread, since it is recorded, for a stack in another: packets of 64 KiB are carried across whole. */
async function ferried(): Promise<void> {
  const device = tap("lastack0");
  ip("addr", "add", `${KERNEL}/24`, "dev", device.name);
  ip("link", "set", device.name, "up");
  const longest = watched(device);
  const recorder = pcapng(device, { write: () => {} });
  await echoed(await createStack({ worker: true, devices: [recorder], addresses: [`${OURS}/24`] }), 3_000_000);
  assert.ok(longest.read > 20_000 && longest.written > 20_000, JSON.stringify(longest));
  assert.equal(device.stats.dropped, 0);
}

async function unprivileged(): Promise<void> {
  createRequire(import.meta.url)("koffi");
  process.setgid?.(65534);
  process.setuid?.(65534);
  assert.throws(
    () => tap("lastack0"),
    (error: Error) =>
      error instanceof DeviceError && (error.code === "EACCES" || error.code === "EPERM") &&
      error.message.endsWith('permission denied; run as root, or create the device first with "ip tuntap add dev lastack0 mode tap user $USER"'),
  );
}

/** A stack in a thread: what the kernel's socket sends comes back, while this thread does not touch the device; then it is removed. */
async function inThread(input: "pipe" | "poll"): Promise<void> {
  let gone = (_error: Error): void => {};
  const told = new Promise<Error>((resolve) => {
    gone = resolve;
  });
  const device = tap("lastack0", { input, onGone: (error) => gone(error) });
  ip("addr", "add", `${KERNEL}/24`, "dev", device.name);
  ip("link", "set", device.name, "up");
  const stack = await createStack({ worker: true, devices: [device], addresses: [`${OURS}/24`] });
  const server = await stack.listen({ port: 7 });
  const serving = (async () => {
    const socket = await server.accept();
    for await (const chunk of socket) await socket.write(chunk);
    return socket.close();
  })();
  const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7) & 0xff));
  const client = connect(7, OURS);
  client.end(sent);
  const back: Buffer[] = [];
  for await (const chunk of client) back.push(chunk);
  assert.deepEqual(Buffer.concat(back), sent);
  assert.equal((await serving).outcome, "graceful");
  assert.equal(device.stats.inFrames + device.stats.outFrames, 0);
  ip("link", "del", "lastack0");
  assert.match((await told).message, /removed/);
  await stack.close();
}

const CASES: Readonly<Record<string, () => Promise<void>>> = {
  "exchange-pipe": () => exchange("pipe"),
  "exchange-poll": () => exchange("poll"),
  "exchange-offload-pipe": () => exchange("pipe", true),
  "exchange-offload-poll": () => exchange("poll", true),
  "backpressure-offload-pipe": () => backpressure("pipe", true),
  "backpressure-offload-poll": () => backpressure("poll", true),
  "backpressure-pipe": () => backpressure("pipe"),
  "backpressure-poll": () => backpressure("poll"),
  "thread-pipe": () => inThread("pipe"),
  "thread-poll": () => inThread("poll"),
  "removed-pipe": () => removed("pipe"),
  "removed-poll": () => removed("poll"),
  agreements, collected, down, ferried, refusals, persistent, unprivileged,
};

const name = process.argv[2] ?? "";
const run = CASES[name];
assert.ok(run, `no case "${name}"`);
await run();
console.log(`${name} ok`);
