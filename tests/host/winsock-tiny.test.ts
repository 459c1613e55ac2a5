/** The socket layer in the tiny build: the same rows within eight sockets and two KiB each way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { FD_CLOSE, FD_READ, SD_SEND } from "../../host/abi/winsock.gen.ts";
import type { Core } from "../../host/core/index.ts";
import { B, connected, PORT, pair } from "./support/pair.ts";

const END = new Uint8Array(0);
const tiny = { build: "tiny" };
/** Most bytes the harness can pass at a time. */
const CHUNK = 80;

/** Outside the memory that tiny says it uses, and at the address 0, nothing was ever written. */
function keepsToItsMemory(core: Core): void {
  const { u8 } = core.memory, used = core.stats().memoryBytes;
  assert.ok(used < u8.length, `${used} bytes used`);
  assert.ok(u8.subarray(used).every((byte) => byte === 0), `a byte behind the ${used} used was written`);
  assert.ok(u8.subarray(0, 16).every((byte) => byte === 0), "a byte at address 0 was written");
}

test("T-01 … T-10 in tiny: the six steps by events", async () => {
  const p = await connected(tiny);
  const { a, b, s, t, world } = p;
  const [ea, eb] = [a.event(), b.event()];
  a.send(s, "request");
  world.runFor(20);
  assert.equal(b.text(t), "request");
  a.select(s, ea, FD_READ | FD_CLOSE);
  b.select(t, eb, FD_READ | FD_CLOSE);
  assert.equal(a.shutdown(s, SD_SEND), 0);
  assert.equal(a.sendError(s), 10058);
  world.runFor(20);
  assert.deepEqual(b.enumerate(t, eb), { FD_CLOSE: 0 });
  b.send(t, "response");
  b.shutdown(t, SD_SEND);
  b.close(t);
  world.runFor(20);
  assert.deepEqual(a.enumerate(s, ea), { FD_READ: 0 });
  assert.equal(a.text(s), "response");
  assert.deepEqual(a.enumerate(s, ea), { FD_CLOSE: 0 });
  assert.deepEqual(a.recv(s), END);
  a.close(s);
  assert.deepEqual([a.report(s).outcome, b.report(t).outcome], ["graceful", "graceful"]);
  assert.deepEqual([a.report(s).bytesAcknowledged, b.report(t).bytesAcknowledged], [7, 8]);
  assert.deepEqual(p.seen("RST"), []);
});

test("C-08, C-13, C-15, C-18, C-44 in tiny: every kind of close", async () => {
  const reset = await connected(tiny);
  reset.a.setLinger(reset.s, 1, 0);
  assert.equal(reset.a.close(reset.s), 0);
  assert.equal(reset.a.report(reset.s).cause, "linger0");
  reset.world.runFor(10);
  assert.equal(reset.b.recvError(reset.t), 10054);

  const lingering = await connected(tiny);
  lingering.a.setLinger(lingering.s, 1, 5);
  assert.equal(lingering.a.until(() => lingering.a.close(lingering.s)), 0);
  assert.equal(lingering.a.report(lingering.s).outcome, "delivered");

  const expiring = await connected(tiny);
  const { a, s } = expiring;
  a.nonblocking(s);
  while (a.send(s, 80) > 0 || expiring.world.nowMs < 5000) expiring.world.runFor(100);
  a.setLinger(s, 1, 2);
  assert.equal(a.close(s), 10035);
  a.nonblocking(s, false);
  assert.equal(a.close(s), LASTACK_WAIT);
  assert.equal(a.until(() => a.close(s)), 0);
  assert.equal(a.report(s).outcome, "lingerExpired");

  const unread = await connected(tiny);
  unread.b.send(unread.t, "unread");
  unread.world.runFor(10);
  assert.equal(unread.a.close(unread.s), 0);
  assert.equal(unread.a.report(unread.s).cause, "unreadData");
});

test("a report in tiny, which keeps it in half the room, says what it says elsewhere", async () => {
  const reports = await Promise.all(["tiny", "debug"].map(async (build) => {
    const { a, b, s, t, world } = await connected({ build });
    a.send(s, new Uint8Array(75));
    world.runFor(100);
    b.send(t, new Uint8Array(33));
    b.shutdown(t, SD_SEND);
    world.runFor(100);
    a.send(s, new Uint8Array(50));
    assert.equal(a.close(s), 0);
    world.runFor(10);
    b.close(t);
    const { handle: _, ...aborted } = a.report(s), { handle: __, ...reset } = b.report(t);
    return { aborted, reset };
  }));
  const [tiny, debug] = reports as [(typeof reports)[0], (typeof reports)[0]];
  assert.deepEqual(tiny, debug);
  const { outcome, cause, bytesSent, bytesAcknowledged, bytesUnacknowledged, bytesDiscarded, peerFin } = tiny.aborted;
  assert.deepEqual(
    { outcome, cause, bytesSent, bytesAcknowledged, bytesUnacknowledged, bytesDiscarded, peerFin },
    { outcome: "aborted", cause: "unreadData", bytesSent: 125, bytesAcknowledged: 75, bytesUnacknowledged: 50, bytesDiscarded: 33, peerFin: true },
  );
  assert.deepEqual([tiny.reset.outcome, tiny.reset.error], ["resetByPeer", 10054]);
});

test("tiny keeps as many reports as it is told to, more than a byte counts, in their order", async () => {
  const SLOTS = 300;
  const { a, world } = await pair({ ...tiny, config: { reportSlots: SLOTS } });
  for (let round = 0; round < 2; round++) {
    const closed = Array.from({ length: SLOTS }, () => {
      const s = a.socket();
      assert.equal(a.close(s), 0);
      return s;
    });
    world.runFor(10);
    assert.deepEqual(a.reports.map((r) => r.handle), closed);
    assert.ok(a.reports.every((r) => r.outcome === "notConnected" && r.dropped === 0));
    a.reports.length = 0;
  }
});

test("V-25 in tiny: a nonblocking send may be partial, a blocking one is whole; nothing is lost on a bad wire", async () => {
  const p = await connected({ ...tiny, link: { delayMs: 2, loss: 0.05, reorder: 0.1, duplicate: 0.05 }, seed: 3 });
  const { a, b, s, t, world } = p;
  const value = (i: number): number => (i * 31 + (i >> 7)) & 0xff;
  a.nonblocking(s);
  const total = 20_000;
  let [sent, got, partial] = [0, 0, 0];
  for (let round = 0; got < total; round++) {
    assert.ok(round < 100_000, "the transfer stands still");
    if (sent < total) {
      const block = Uint8Array.from({ length: Math.min(80, total - sent) }, (_, i) => value(sent + i));
      const n = a.send(s, block);
      if (n < 0) assert.equal(a.err, 10035);
      else {
        if (n < block.length) partial++;
        sent += n;
      }
    }
    for (let data = b.recv(t); data?.length; data = b.recv(t)) {
      data.forEach((byte, i) => assert.equal(byte, value(got + i)));
      got += data.length;
    }
    world.runFor(1);
  }
  assert.ok(partial > 0, "some send found room for a part only");
  a.nonblocking(s, false);
  assert.equal(a.close(s), 0);
  assert.deepEqual(b.until(() => b.recv(t)), END);
  b.close(t);
  const report = a.report(s);
  assert.deepEqual([report.outcome, report.bytesSent, report.bytesAcknowledged], ["graceful", total, total]);
});

test("tiny fills the send and receive buffers of all its sockets at once, then everything arrives, within the memory it says it uses", async () => {
  const p = await connected(tiny);
  const { a, b, world, listener } = p;
  const pairs: [number, number][] = [[p.s, p.t]];
  while (pairs.length < 7) {
    const s = a.socket();
    assert.equal(a.until(() => a.connect(s, B, PORT)), 0);
    world.runFor(10);
    pairs.push([s, b.accept(listener)]);
  }
  const ends = pairs.flatMap(([s, t], i) => [{ from: a, out: s, to: b, into: t, first: i, sent: 0 }, { from: b, out: t, to: a, into: s, first: i + 128, sent: 0 }]);
  for (const end of ends) {
    end.from.nonblocking(end.out);
    for (;;) {
      const n = end.from.send(end.out, Uint8Array.from({ length: CHUNK }, (_, k) => end.first + end.sent + k));
      if (n > 0) end.sent += n;
      // What the peer takes leaves room for more, until both its buffer and ours are full.
      else if (end.sent >= 4096) break;
      else world.runFor(300);
      assert.ok(end.sent <= 4096, `${end.sent} bytes taken`);
    }
  }
  assert.deepEqual([a, b].map((side) => side.core.stats().bufferBytes), [7 * 4096, 7 * 4096]);
  for (const end of ends) {
    for (let got = 0; got < end.sent; world.runFor(1)) {
      for (let data = end.to.recv(end.into); data?.length; data = end.to.recv(end.into)) {
        data.forEach((byte, k) => assert.equal(byte, (end.first + got + k) & 0xff));
        got += data.length;
      }
    }
  }
  for (const { core } of [a, b]) keepsToItsMemory(core);
});

test("tiny runs for ever on its eight sockets: open, close, reset, a hundred times over", async () => {
  const p = await connected({ ...tiny, config: { timeWaitMs: 1000 } });
  const { a, b, world, listener } = p;
  a.close(p.s);
  b.close(p.t);
  for (let i = 0; i < 100; i++) {
    const s = a.socket();
    assert.equal(a.err, 0, `socket ${i}`);
    assert.equal(a.until(() => a.connect(s, B, PORT)), 0, `connection ${i}`);
    world.runFor(10);
    const t = b.accept(listener);
    assert.equal(b.err, 0, `accept ${i}`);
    if (i % 3 === 0) a.setLinger(s, 1, 0);
    assert.equal(i % 3 === 1 ? b.close(t) : a.close(s), 0);
    world.runFor(20);
    assert.equal(i % 3 === 1 ? a.close(s) : b.close(t), 0);
    world.runFor(20);
  }
  world.runFor(5000);
  assert.equal(a.raw("orphans") + b.raw("orphans"), 0);
  assert.equal(a.reports.length, 101);
  for (const { core } of [a, b]) keepsToItsMemory(core);
});
