/** What stack, ip, link and udp do together, seen through sockets: unreachable neighbours, loopback, datagrams in pieces, time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT, WSAECONNREFUSED, WSAECONNRESET, WSAEHOSTUNREACH, WSAENETUNREACH } from "../../host/abi/errors.gen.ts";
import { SO_BROADCAST, SOL_SOCKET } from "../../host/abi/winsock.gen.ts";
import { memoryLink } from "../../host/device/index.ts";
import { World } from "../../host/driver/index.ts";
import { A, B, connected, join, pair, PORT } from "./support/pair.ts";
import { coreModule, Spi } from "./support/spi.ts";

/** Deterministic bytes. */
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);

test("a neighbour that does not answer fails the connect after three requests, and further ones at once for ten seconds", async () => {
  const { a, world } = await pair();
  const s = a.socket();
  const before = world.nowMs;
  assert.equal(a.connect(s, "10.0.0.99", PORT), LASTACK_WAIT);
  assert.equal(a.until(() => a.connect(s, "10.0.0.99", PORT)), WSAEHOSTUNREACH);
  const took = world.nowMs - before;
  assert.ok(took >= 3000 && took <= 7100, `failed after ${took} ms`);
  const t = a.socket();
  const again = world.nowMs;
  assert.equal(a.until(() => a.connect(t, "10.0.0.99", PORT)), WSAEHOSTUNREACH);
  assert.ok(world.nowMs - again < 100, `the second connect took ${world.nowMs - again} ms`);
});

test("a destination without a route is refused by the call", async () => {
  const { a } = await pair();
  assert.equal(a.connect(a.socket(), "192.0.2.1", PORT), WSAENETUNREACH);
});

test("loopback works without a device, for 127.0.0.1 and own addresses, TCP and UDP", async () => {
  const world = new World({ seed: 3 });
  for (const build of ["debug", ""]) {
    const alone = new Spi(await coreModule(build), world, undefined, "");
    assert.equal(alone.startup(), 0);
    const listener = alone.listener(PORT);
    const s = alone.socket();
    assert.equal(alone.until(() => alone.connect(s, "127.0.0.1", PORT)), 0);
    const t = alone.until(() => alone.accept(listener));
    const data = pattern(30000);
    assert.equal(alone.send(s, data), data.length);
    const got: number[] = [];
    while (got.length < data.length) got.push(...(alone.until(() => alone.recv(t)) ?? []));
    assert.deepEqual(Uint8Array.from(got), data);
    assert.equal(alone.name(s, true), `127.0.0.1:${PORT}`);
    const refused = alone.socket();
    assert.equal(alone.until(() => alone.connect(refused, "127.0.0.9", 1)), WSAECONNREFUSED);
    const u = alone.socket("udp");
    assert.equal(alone.bind(u, "127.0.0.1", 53), 0);
    assert.equal(alone.sendTo(u, "to myself", "127.0.0.1", 53), 0);
    const datagram = alone.until(() => alone.recvFrom(u));
    assert.deepEqual([new TextDecoder().decode(datagram?.data), datagram?.address, datagram?.port], ["to myself", "127.0.0.1", 53]);
  }
});

test("a stack reaches its own address without its device", async () => {
  const { a, link, world } = await pair();
  const listener = a.listener(PORT);
  const s = a.socket();
  assert.equal(a.until(() => a.connect(s, A, PORT)), 0);
  assert.notEqual(a.until(() => a.accept(listener)), 0xffffffff);
  world.runFor(1000);
  assert.equal(link.a.stats.outFrames, 0, "nothing left the stack");
});

for (const mtu of [576, 1500, 9000]) {
  test(`datagrams of every size up to 30,000 bytes cross a link with MTU ${mtu}`, async () => {
    const { a, b, world } = await pair({ link: { mtu }, build: mtu === 1500 ? "" : "debug" });
    const s = a.socket("udp"), t = b.socket("udp");
    assert.equal(b.bind(t, "0.0.0.0", PORT), 0);
    assert.equal(a.bind(s, "0.0.0.0", PORT + 1), 0);
    for (const size of [0, 1, mtu - 29, mtu - 28, mtu - 27, 2 * mtu, 12345, 30000]) {
      const data = pattern(size);
      assert.equal(a.sendTo(s, data, B, PORT), 0);
      const got = b.until(() => b.recvFrom(t));
      assert.deepEqual(got?.data, data, `${size} bytes`);
      assert.deepEqual([got?.address, got?.port], [A, PORT + 1]);
      world.runFor(1);
    }
  });
}

test("datagrams in pieces survive reordering and duplication, and lost pieces give their memory back", async () => {
  const { a, b, world } = await pair({ link: { reorder: 0.3, duplicate: 0.2, jitterMs: 3, delayMs: 1, seed: 5 } });
  const s = a.socket("udp"), t = b.socket("udp");
  assert.equal(b.bind(t, "0.0.0.0", PORT), 0);
  const data = pattern(20000);
  let whole = 0;
  for (let i = 0; i < 50; i++) {
    assert.equal(a.sendTo(s, data, B, PORT), 0);
    world.runFor(50);
    for (;;) {
      b.nonblocking(t);
      const got = b.recvFrom(t);
      if (!got) break;
      assert.deepEqual(got.data, data);
      whole++;
    }
  }
  assert.ok(whole >= 50, `${whole} of 50 arrived`);
  world.runFor(31_000);
  assert.equal(b.core.stats().bufferBytes, 0);
});

test("a broadcast reaches who listens, and nobody answers that nobody does", async () => {
  const { a, b, world, link } = await pair();
  const s = a.socket("udp"), t = b.socket("udp");
  assert.equal(b.bind(t, "0.0.0.0", PORT), 0);
  assert.equal(a.setOption(s, SOL_SOCKET, SO_BROADCAST, 1), 0);
  for (const to of ["255.255.255.255", "10.0.0.255"]) {
    assert.equal(a.sendTo(s, "hello", to, PORT), 0);
    assert.equal(new TextDecoder().decode(b.until(() => b.recvFrom(t))?.data), "hello");
    assert.equal(a.sendTo(s, "anyone?", to, PORT + 5), 0);
    world.runFor(1000);
  }
  assert.equal(link.b.stats.outFrames, 0);
});

test("a datagram to a port that nobody has comes back as 10054 (R-33)", async () => {
  const { a, world } = await pair();
  const s = a.socket("udp");
  assert.equal(a.bind(s, A, PORT + 1), 0);
  assert.equal(a.sendTo(s, "x", B, PORT), 0);
  world.runFor(100);
  assert.equal(a.recvFrom(s), undefined);
  assert.equal(a.err, WSAECONNRESET);
});

test("a slow device holds up nothing for good: ten connections share it fairly and the queue stays short", async () => {
  const made = await connected({ link: { rateBitsPerSecond: 10_000_000, queueFrames: 4 } });
  const { a, b, world } = made;
  const ends = [{ s: made.s, t: made.t }];
  for (let i = 1; i < 10; i++) ends.push(join(made, made.listener));
  const data = pattern(30000), got = ends.map(() => 0);
  for (const { s } of ends) assert.equal(a.send(s, data), data.length);
  for (const { t } of ends) b.nonblocking(t);
  let least = 0;
  while (got.some((n) => n < data.length) && world.nowMs < 60_000) {
    world.runFor(5);
    ends.forEach(({ t }, i) => { got[i] = (got[i] ?? 0) + (b.recv(t)?.length ?? 0); });
    if (Math.max(...got) === data.length && !least) least = Math.min(...got);
  }
  assert.deepEqual(got, got.map(() => data.length));
  assert.ok(least > 0, "one finished before another had begun");
  assert.ok(world.nowMs < 2000, `${world.nowMs} ms for 300 KB at 10 Mbit/s`);
});

for (const [name, ms] of [["five seconds", 5e3], ["an hour", 3.6e6], ["fifty days", 50 * 86.4e6]] as const) {
  test(`a clock that jumps ${name} breaks no idle connection, and neighbours are asked again`, async () => {
    const { a, b, s, t, world } = await connected({ config: { timeOrigin: 0xffff0000 } });
    world.clock.advance(ms);
    world.runFor(10);
    assert.equal(a.send(s, "still here"), 10);
    assert.equal(new TextDecoder().decode(b.until(() => b.recv(t))), "still here");
  });
}

/** The one's complement sum of the 16-bit words, complemented: 0 over bytes that contain a right checksum (RFC 1071). */
function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += i & 1 ? (bytes[i] as number) : (bytes[i] as number) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A frame from 02:00:00:00:00:09, 10.0.0.1, with an IPv4 header around `body`. */
function ipv4(to: Uint8Array, protocol: number, body: Uint8Array, fragment = 0): Uint8Array {
  const frame = new Uint8Array(34 + body.length), view = new DataView(frame.buffer);
  frame.set(to);
  frame.set([2, 0, 0, 0, 0, 9, 8, 0, 0x45, 0], 6);
  view.setUint16(16, 20 + body.length);
  view.setUint16(18, 7);
  view.setUint16(20, fragment);
  frame.set([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 22);
  view.setUint16(24, internetChecksum(frame.subarray(14, 34)));
  frame.set(body, 34);
  return frame;
}

test("an echo request in pieces is answered in pieces, after an ARP exchange", async () => {
  const world = new World({ seed: 1 });
  const link = memoryLink({ clock: world.clock, seed: 1, mtu: 1500 });
  const b = new Spi(await coreModule(), world, link.b, `${B}/24`);
  assert.equal(b.startup(), 0);
  const put = (frame: Uint8Array): void => {
    assert.ok(link.a.write(frame, Int32Array.of(0, frame.length), 0, 1));
    world.runFor(5);
  };
  const take = (): Uint8Array => {
    const buffer = new Uint8Array(2000);
    return buffer.subarray(0, link.a.readInto(buffer, 0, buffer.length));
  };
  put(Uint8Array.from([
    255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
  ]));
  const answer = take();
  assert.deepEqual([...answer.subarray(0, 6)], [2, 0, 0, 0, 0, 9]);
  assert.equal(answer[21], 2, "an ARP reply");
  const echo = pattern(4000);
  echo.set([8, 0, 0, 0]);
  new DataView(echo.buffer).setUint16(2, internetChecksum(echo));
  put(ipv4(link.b.mac, 1, echo.subarray(0, 1480), 0x2000));
  put(ipv4(link.b.mac, 1, echo.subarray(1480, 2960), 0x2000 | 185));
  assert.equal(take().length, 0, "not before it is whole");
  put(ipv4(link.b.mac, 1, echo.subarray(2960), 370));
  const reply = new Uint8Array(4000);
  for (let frame = take(); frame.length; frame = take()) {
    assert.equal(internetChecksum(frame.subarray(14, 34)), 0);
    reply.set(frame.subarray(34), (new DataView(frame.buffer).getUint16(frame.byteOffset + 20) & 0x1fff) << 3);
  }
  assert.equal(reply[0], 0, "an echo reply");
  assert.equal(internetChecksum(reply), 0);
  assert.deepEqual(reply.subarray(4), echo.subarray(4));
});
