/** Calls that wait: wait records, callers, wake-ups, and what closing does to other callers' calls. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { OP_ACCEPT, OP_CONNECT, OP_RECV, OP_SEND } from "../../host/abi/events.gen.ts";
import { SD_RECEIVE, SD_SEND } from "../../host/abi/winsock.gen.ts";
import { B, connected, pair, PORT } from "./support/pair.ts";

const INVALID = 0xffffffff;

test("each operation waits and is woken once, with its handle, caller and number", async () => {
  const p = await pair({ link: { delayMs: 5 }, configB: { recvBuffer: 2048 } });
  const { a, b, world } = p;
  const listener = b.listener(PORT);
  assert.equal(b.as(7).accept(listener), INVALID);
  assert.equal(b.err, LASTACK_WAIT);
  const s = a.socket();
  assert.equal(a.as(3).connect(s, B, PORT), LASTACK_WAIT);
  world.runFor(100);
  assert.deepEqual(a.wakes, [{ handle: s, caller: 3, operation: OP_CONNECT }]);
  assert.deepEqual(b.wakes, [{ handle: listener, caller: 7, operation: OP_ACCEPT }]);
  assert.equal(a.connect(s, B, PORT), 0);
  const t = b.accept(listener);
  b.as(8);
  assert.equal(b.recvError(t), LASTACK_WAIT);
  a.as(4);
  assert.equal(a.send(s, 20_000), 20_000, "an empty queue takes it whole");
  while (a.send(s, 30_000) >= 0);
  assert.equal(a.err, LASTACK_WAIT);
  world.runFor(2000);
  assert.deepEqual(b.wakes.slice(1), [{ handle: t, caller: 8, operation: OP_RECV }]);
  for (let i = 0; i < 200 && a.wakes.length === 1; i++) {
    b.recv(t);
    world.runFor(20);
  }
  assert.deepEqual(a.wakes.slice(1), [{ handle: s, caller: 4, operation: OP_SEND }]);
});

test("V-25, O-37: a blocking send takes everything, however small the buffer, and returns the total", async () => {
  const p = await connected({ config: { sendBuffer: 8192 }, configB: { recvBuffer: 4096 } });
  const { a, b, s, t, world } = p;
  assert.equal(a.send(s, 4000), 4000);
  assert.equal(a.send(s, 30_000), -1, "the queue is not empty");
  assert.equal(a.err, LASTACK_WAIT);
  let got = 0;
  let total = -1;
  world.runUntil(() => {
    got += b.recv(t)?.length ?? 0;
    if (total < 0) total = a.send(s, 30_000);
    return total >= 0;
  }, 600_000);
  assert.equal(total, 30_000);
  world.runUntil(() => {
    got += b.recv(t)?.length ?? 0;
    return got === 34_000;
  }, 60_000);
  assert.equal(got, 34_000, "nothing was sent twice");
});

test("V-25, O-37, C-02: a nonblocking send takes all or nothing", async () => {
  const p = await connected({ config: { sendBuffer: 16_384 }, configB: { recvBuffer: 2048 } });
  p.a.nonblocking(p.s);
  assert.equal(p.a.send(p.s, 30_000), 30_000, "an empty queue takes more than its buffer");
  assert.equal(p.a.sendError(p.s, 30_000), 10035);
  assert.equal(p.a.sendError(p.s, 1), 10035);
  const q = await connected({ config: { sendMax: 20_000, sendBuffer: 16_384 } });
  q.a.nonblocking(q.s);
  assert.equal(q.a.sendError(q.s, 20_001), 10055, "more than sendMax");
  assert.equal(q.a.send(q.s, 20_000), 20_000);
});

test("C-39: closing a listener ends another caller's accept with 10004", async () => {
  const { b, world } = await pair();
  const listener = b.listener(PORT);
  b.as(1).accept(listener);
  assert.equal(b.err, LASTACK_WAIT);
  assert.equal(b.as(2).close(listener), 0);
  world.runFor(1);
  assert.deepEqual(b.wakes, [{ handle: listener, caller: 1, operation: OP_ACCEPT }]);
  assert.equal(b.as(1).accept(listener), INVALID);
  assert.equal(b.err, 10004);
  b.accept(listener);
  assert.equal(b.err, 10038);
});

test("C-40: closing ends other callers' receives, sends and connects with 10004", async () => {
  const p = await connected({ configB: { recvBuffer: 2048 } });
  const { a, s } = p;
  a.as(1);
  assert.equal(a.recvError(s), LASTACK_WAIT);
  a.as(2);
  while (a.send(s, 30_000) >= 0);
  const c = a.socket();
  assert.equal(a.as(3).connect(c, "10.0.0.99", 9), LASTACK_WAIT);
  assert.deepEqual([a.as(4).close(s), a.close(c)], [0, 0]);
  a.as(1);
  assert.equal(a.recvError(s), 10004);
  a.as(2);
  assert.equal(a.sendError(s, 30_000), 10004);
  assert.equal(a.as(3).connect(c, "10.0.0.99", 9), 10004);
});

test("a shutdown ends another caller's wait in that direction", async () => {
  const p = await connected({ configB: { recvBuffer: 2048 } });
  const { a, s, world } = p;
  a.as(1);
  assert.equal(a.recvError(s), LASTACK_WAIT);
  a.as(2);
  while (a.send(s, 30_000) >= 0);
  world.runFor(100);
  a.wakes.length = 0;
  assert.equal(a.as(3).shutdown(s, SD_RECEIVE), 0);
  world.runFor(1);
  assert.deepEqual(a.wakes.map((w) => w.caller), [1]);
  a.as(1);
  assert.equal(a.recvError(s), 10058);
  assert.equal(a.as(3).shutdown(s, SD_SEND), 0);
  world.runFor(1);
  assert.deepEqual(a.wakes.map((w) => w.caller), [1, 2]);
  a.as(2);
  assert.equal(a.sendError(s, 30_000), 10058);
});

test("WSPCancelBlockingCall ends the current caller's call only", async () => {
  const p = await connected();
  const { a, s } = p;
  assert.equal(a.code("WSPCancelBlockingCall"), 10022, "nothing waits");
  a.as(1);
  assert.equal(a.recvError(s), LASTACK_WAIT);
  a.as(2);
  assert.equal(a.recvError(s), LASTACK_WAIT);
  assert.equal(a.as(1).code("WSPCancelBlockingCall"), 0);
  assert.equal(a.recvError(s), 10004);
  assert.equal(a.recvError(s), LASTACK_WAIT, "a new call");
  a.as(2);
  assert.equal(a.recvError(s), LASTACK_WAIT);
});

test("X-23: a second caller's connect is 10037 while the first waits, and the first gets the result", async () => {
  const { a, b } = await pair({ link: { delayMs: 10 } });
  b.listener(PORT);
  const s = a.socket();
  assert.equal(a.as(1).connect(s, B, PORT), LASTACK_WAIT);
  assert.equal(a.as(2).connect(s, B, PORT), 10037);
  a.as(1);
  assert.equal(a.until(() => a.connect(s, B, PORT)), 0);
});

test("a blocking connect returns why it failed: refused, no answer, no neighbour", async () => {
  const { a, link } = await pair({ config: { synRetries: 2 } });
  const [refused, silent, nobody] = [a.socket(), a.socket(), a.socket()];
  assert.equal(a.until(() => a.connect(refused, B, 9)), 10061);
  assert.equal(a.until(() => a.connect(nobody, "10.0.0.99", 9)), 10065);
  link.b.close();
  assert.equal(a.until(() => a.connect(silent, B, 9)), 10060);
  assert.equal(a.recvError(silent), 10057);
  assert.equal(a.close(silent), 0);
  assert.equal(a.report(silent).outcome, "notConnected");
});

test("a backlog of listeners' connections: accept wakes for each", async () => {
  const { a, b } = await pair();
  const listener = b.listener(PORT);
  for (let i = 0; i < 5; i++) {
    assert.equal(b.accept(listener), INVALID);
    const s = a.socket();
    a.until(() => a.connect(s, B, PORT));
    assert.notEqual(b.until(() => b.accept(listener)), INVALID);
  }
});

test("waits nobody comes back for are given up before a new one is refused", async () => {
  const { a } = await pair({ config: { maxSockets: 8 } });
  for (let caller = 1; caller < 500; caller++) {
    const s = a.as(caller).listener(7000);
    a.accept(s);
    assert.equal(a.err, LASTACK_WAIT);
    assert.equal(a.close(s), 0);
  }
  const s = a.listener(7000);
  let last = LASTACK_WAIT;
  for (let caller = 1; caller < 500 && last === LASTACK_WAIT; caller++) {
    a.as(caller).accept(s);
    last = a.err;
  }
  assert.equal(last, 10055, "live waits are bounded");
});
