/** UDP through the socket layer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { MSG_PEEK, SO_BROADCAST, SO_RCVTIMEO, SOL_SOCKET } from "../../host/abi/winsock.gen.ts";
import { A, B, pair } from "./support/pair.ts";
import type { Spi } from "./support/spi.ts";

const bound = (spi: Spi, port: number): number => {
  const u = spi.socket("udp");
  assert.equal(spi.bind(u, "0.0.0.0", port), 0);
  return u;
};

test("datagrams keep their borders, order, bytes and senders", async () => {
  const { a, b, world } = await pair();
  const [u, v] = [bound(a, 5000), bound(b, 6000)];
  for (const size of [0, 1, 1471, 1472, 1473, 9000, 20_000]) assert.equal(a.sendTo(u, size, B, 6000), 0, `${size}`);
  world.runFor(50);
  for (const size of [0, 1, 1471, 1472, 1473, 9000, 20_000]) {
    const got = b.recvFrom(v);
    assert.equal(got?.data.length, size);
    assert.deepEqual([got?.address, got?.port], [A, 5000]);
    assert.ok(got?.data.every((byte, i) => byte === ((i * 7 + (i >> 8)) & 0xff)));
  }
});

test("the largest datagram, and one byte more", async () => {
  const { a, world } = await pair();
  const u = a.socket("udp");
  a.core.memory.memory.grow(2);
  a.setWord(16, 65_508);
  a.setWord(20, a.at + 768);
  const send = (): number => a.code("WSPSendTo", u, a.at + 16, 1, a.at + 8, 0, a.at + 64, 16, 0, 0, 0);
  a.put(64, Uint8Array.of(2, 0, 0x17, 0x70, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0));
  assert.equal(send(), 10040);
  a.setWord(16, 65_507);
  assert.equal(send(), 0);
  world.runFor(50);
});

test("several buffers make one datagram, and one datagram fills several buffers", async () => {
  const { a, b, world } = await pair();
  const [u, v] = [bound(a, 5000), bound(b, 6000)];
  const area = a.at + 768;
  a.put(768, new TextEncoder().encode("headtail"));
  const list = (spi: Spi, ...parts: [number, number][]): void => parts.forEach(([n, at], i) => {
    spi.setWord(400 + 8 * i, n);
    spi.setWord(404 + 8 * i, at);
  });
  list(a, [4, area], [0, 0], [4, area + 4]);
  a.put(64, Uint8Array.of(2, 0, 0x17, 0x70, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0));
  assert.equal(a.code("WSPSendTo", u, a.at + 400, 3, a.at + 8, 0, a.at + 64, 16, 0, 0, 0), 0);
  assert.equal(a.word(8), 8);
  world.runFor(10);
  list(b, [3, b.at + 768], [2, b.at + 800], [100, b.at + 820]);
  b.setWord(12, 0);
  assert.equal(b.code("WSPRecv", v, b.at + 400, 3, b.at + 8, b.at + 12, 0, 0, 0), 0);
  const text = (at: number, n: number): string => new TextDecoder().decode(b.bytes(at, n));
  assert.deepEqual([b.word(8), text(768, 3), text(800, 2), text(820, 3)], [8, "hea", "dt", "ail"]);
});

test("a stream gathers and scatters too", async () => {
  const { connected } = await import("./support/pair.ts");
  const { a, b, s, t, world } = await connected();
  a.put(768, new TextEncoder().encode("onetwothree"));
  for (const [i, [n, at]] of [[3, 768], [3, 771], [5, 774]].entries()) {
    a.setWord(400 + 8 * i, n as number);
    a.setWord(404 + 8 * i, a.at + (at as number));
  }
  assert.equal(a.code("WSPSend", s, a.at + 400, 3, a.at + 8, 0, 0, 0, 0), 0);
  world.runFor(10);
  assert.equal(b.text(t, 7), "onetwot");
  assert.equal(b.text(t), "hree");
});

test("connect fixes the peer: others are not heard, send needs no address, AF_UNSPEC undoes it", async () => {
  const { a, b, world } = await pair();
  const [u, v, w] = [bound(a, 5000), bound(b, 6000), bound(b, 6001)];
  assert.equal(a.connect(u, B, 6000), 0);
  assert.equal(a.name(u, true), `${B}:6000`);
  b.sendTo(w, "stranger", A, 5000);
  b.sendTo(v, "peer", A, 5000);
  world.runFor(10);
  assert.equal(a.text(u), "peer");
  assert.equal(a.send(u, "back"), 4);
  world.runFor(10);
  assert.equal(b.text(v), "back");
  a.put(64, new Uint8Array(16));
  assert.equal(a.code("WSPConnect", u, a.at + 64, 16, 0, 0, 0, 0), 0);
  assert.equal(a.sendError(u), 10057);
  b.sendTo(w, "stranger", A, 5000);
  world.runFor(10);
  assert.equal(a.text(u), "stranger");
});

test("sending binds, MSG_PEEK leaves, receiving waits and times out", async () => {
  const { a, b, world } = await pair();
  const [u, v] = [a.socket("udp"), bound(b, 6000)];
  assert.equal(a.recvError(u), 10022);
  assert.equal(a.sendTo(u, "hello", B, 6000), 0);
  assert.match(a.name(u), /^0\.0\.0\.0:\d+$/);
  assert.equal(b.recvError(v), LASTACK_WAIT);
  assert.equal(b.until(() => b.recv(v, 100, MSG_PEEK))?.length, 5);
  assert.equal(b.recvFrom(v)?.port, Number(a.name(u).split(":")[1]));
  b.setOption(v, SOL_SOCKET, SO_RCVTIMEO, 200);
  const start = world.nowMs;
  b.until(() => b.recv(v));
  assert.equal(b.err, 10060);
  assert.ok(world.nowMs - start >= 200 && world.nowMs - start <= 201);
});

test("a full queue: 10035, or a wait that ends when it has drained", async () => {
  const { a, b, world } = await pair({ configA: { udpQueue: 4 }, link: { delayMs: 1 } });
  const [u, v] = [a.socket("udp"), bound(b, 6000)];
  a.nonblocking(u);
  for (let i = 0; i < 4; i++) assert.equal(a.sendTo(u, `${i}`, B, 6000), 0);
  assert.equal(a.sendTo(u, "4", B, 6000), 10035);
  a.nonblocking(u, false);
  assert.equal(a.sendTo(u, "4", B, 6000), LASTACK_WAIT);
  assert.equal(a.until(() => a.sendTo(u, "4", B, 6000)), 0);
  world.runFor(100);
  assert.deepEqual([0, 1, 2, 3, 4].map(() => b.text(v)), ["0", "1", "2", "3", "4"]);
});

test("a send that finds no room by size waits no longer than until the queue is empty", async () => {
  const { a, b, world } = await pair({ configA: { sendBuffer: 4096 } });
  const [u, v] = [a.socket("udp"), bound(b, 6000)];
  assert.equal(a.sendTo(u, 3000, B, 6000), 0);
  assert.equal(a.sendTo(u, 3000, B, 6000), LASTACK_WAIT);
  assert.equal(a.until(() => a.sendTo(u, 3000, B, 6000), 1000), 0);
  world.runFor(10);
  assert.equal(b.recv(v)?.length, 3000);
  assert.equal(b.recv(v)?.length, 3000);
});

test("broadcast needs SO_BROADCAST; impossible destinations are refused", async () => {
  const { a, b, world } = await pair();
  const [u, v] = [a.socket("udp"), bound(b, 6000)];
  for (const address of ["255.255.255.255", "10.0.0.255"]) assert.equal(a.sendTo(u, "x", address, 6000), 10013);
  a.setOption(u, SOL_SOCKET, SO_BROADCAST, 1);
  assert.equal(a.sendTo(u, "all", "10.0.0.255", 6000), 0);
  world.runFor(10);
  assert.equal(b.text(v), "all");
  assert.equal(a.sendTo(u, "x", "0.0.0.0", 6000), 10049);
  assert.equal(a.sendTo(u, "x", B, 0), 10049);
  assert.equal(a.sendTo(u, "x", "192.0.2.1", 9), 10051);
});

test("loopback: a stack talks to itself, by UDP and TCP, without a wire", async () => {
  const { a, world, wire } = await pair();
  for (const address of ["127.0.0.1", A]) {
    const [u, v] = [bound(a, 5000), bound(a, 6000)];
    assert.equal(a.sendTo(u, "self", address, 6000), 0);
    world.runFor(1);
    assert.equal(a.text(v), "self");
    a.close(u);
    a.close(v);
    const listener = a.listener(7000);
    const s = a.socket();
    assert.equal(a.until(() => a.connect(s, address, 7000)), 0);
    const t = a.accept(listener);
    a.send(s, "request");
    a.close(s);
    assert.equal(a.until(() => a.recv(t))?.length, 7);
    assert.equal(a.until(() => a.recv(t))?.length, 0);
    a.close(t);
    assert.deepEqual([a.report(s).outcome, a.report(t).outcome], ["graceful", "graceful"]);
    a.close(listener);
  }
  assert.deepEqual(wire, []);
});
