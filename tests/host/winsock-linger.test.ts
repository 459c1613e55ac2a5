/** Lingering: the rows C-08 … C-26 and the options that arm them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { SWITCH_V07_IDLE_CLOSE_SUCCEEDS, SWITCH_V14_SHUT_CLOSE_RETURNS } from "../../host/abi/config.gen.ts";
import { OP_CLOSE } from "../../host/abi/events.gen.ts";
import { FD_ALL_EVENTS, LSO_DRAIN, SD_SEND, SO_DONTLINGER, SO_LINGER, SOL_LASTACK, SOL_SOCKET } from "../../host/abi/winsock.gen.ts";
import { scripted } from "../sim/scripted.ts";
import { type Connected, connected, type PairOptions } from "./support/pair.ts";
import type { Spi } from "./support/spi.ts";

const END = new Uint8Array(0);

/** A connection whose peer reads nothing: its window closes and `bytes` stay queued at a. */
async function stuffed(options: PairOptions = {}): Promise<Connected> {
  const p = await connected({ ...options, configB: { recvBuffer: 2048, ...options.configB } });
  assert.equal(p.a.send(p.s, 20_000), 20_000);
  p.world.runFor(500);
  return p;
}

test("C-08, C-10, W-06: linger { on, 0 } resets at once, blocking or not", async () => {
  for (const nonblocking of [false, true]) {
    const p = await connected();
    p.a.nonblocking(p.s, nonblocking);
    const last = p.wire.filter((x) => x.from === "a").at(-1);
    assert.equal(p.a.setLinger(p.s, 1, 0), 0);
    assert.equal(p.a.close(p.s), 0);
    p.world.runFor(10);
    assert.deepEqual(p.seen("RST", "a").map((x) => [x.flags, x.seq]), [["RST,ACK", last?.seq]]);
    assert.deepEqual(p.seen("FIN"), []);
    assert.equal(p.b.recvError(p.t), 10054);
    const report = p.a.report(p.s);
    assert.deepEqual([report.outcome, report.cause, report.durationMs], ["aborted", "linger0", 0]);
    assert.equal(p.a.raw("orphans"), 0);
  }
});

test("C-09, W-07: linger { on, 0 } throws queued data away", async () => {
  const p = await stuffed();
  const before = p.wire.length;
  p.a.setLinger(p.s, 1, 0);
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(5000);
  const sent = p.wire.slice(before).filter((x) => x.from === "a");
  assert.deepEqual(sent.map((x) => x.flags), ["RST,ACK"]);
  const report = p.a.report(p.s);
  assert.equal(report.bytesUnacknowledged, 20_000 - report.bytesAcknowledged);
  assert.ok(report.bytesUnacknowledged > 0);
});

test("C-11, L-24, W-08: linger { on, 0 } after SD_SEND resets with the FIN counted", async () => {
  const p = await connected();
  p.a.shutdown(p.s, SD_SEND);
  p.world.runFor(10);
  const fin = p.seen("FIN", "a")[0];
  p.a.setLinger(p.s, 1, 0);
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(10);
  assert.deepEqual(p.seen("RST", "a").map((x) => x.seq), [((fin?.seq ?? 0) + 1) >>> 0]);
  assert.equal(p.b.recvError(p.t), 10053, "R-06: the FIN was first");
  assert.deepEqual([p.a.report(p.s).outcome, p.a.report(p.s).cause], ["aborted", "linger0"]);
});

test("C-11: the same in CLOSE_WAIT", async () => {
  const p = await connected();
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  p.a.setLinger(p.s, 1, 0);
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(10);
  assert.equal(p.seen("RST", "a").length, 1);
  assert.equal(p.b.recvError(p.t), 10054);
});

test("C-12, W-09: linger { on, 0 } in TIME_WAIT sends nothing, and everything was graceful", async () => {
  const p = await connected();
  p.a.shutdown(p.s, SD_SEND);
  p.world.runFor(10);
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  p.a.setLinger(p.s, 1, 0);
  const before = p.wire.length;
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(100);
  assert.equal(p.wire.length, before);
  assert.equal(p.a.report(p.s).outcome, "graceful");
});

test("C-12: in LAST_ACK nothing is sent either, and the FIN was not acknowledged", async () => {
  const p = await connected({ link: { delayMs: 50 } });
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(200);
  p.a.shutdown(p.s, SD_SEND);
  p.world.runFor(10);
  assert.equal(p.a.state(p.s), "LAST_ACK");
  p.a.setLinger(p.s, 1, 0);
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(20);
  assert.deepEqual(p.seen("RST", "a"), []);
  assert.deepEqual([p.a.report(p.s).outcome, p.a.report(p.s).cause], ["aborted", "linger0"]);
});

test("C-13, C-14, C-17, T-22, W-11: linger { on, T } returns when data and FIN are acknowledged", async () => {
  for (const [size, limit] of [[0, 41], [50_000, 500]] as const) {
    const p = await connected({ link: { delayMs: 20 } });
    if (size) p.a.send(p.s, 30_000);
    p.a.setLinger(p.s, 1, 30);
    const start = p.world.nowMs;
    assert.equal(p.a.close(p.s), LASTACK_WAIT);
    assert.equal(p.a.until(() => p.a.close(p.s)), 0);
    assert.ok(p.world.nowMs - start <= limit, `returned after ${p.world.nowMs - start} ms`);
    assert.deepEqual(p.a.wakes.at(-1), { handle: p.s, caller: 0, operation: OP_CLOSE });
    const report = p.a.report(p.s, 0);
    assert.deepEqual([report.outcome, report.bytesUnacknowledged], ["delivered", 0]);
    assert.equal(p.seen("RST").length, 0);
    assert.equal(p.a.close(p.s), 10038, "C-30: the close has returned");
  }
});

test("C-14: the peer closed first: a lingering close is graceful", async () => {
  const p = await connected({ link: { delayMs: 5 } });
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(20);
  assert.deepEqual(p.a.recv(p.s), END);
  p.a.setLinger(p.s, 1, 30);
  assert.equal(p.a.until(() => p.a.close(p.s)), 0);
  assert.equal(p.a.report(p.s, 0).outcome, "graceful");
});

test("C-15, T-23, T-24, T-28, W-10: linger expires: 0 at T, RST, and no TIME_WAIT", async () => {
  const p = await stuffed();
  p.a.setLinger(p.s, 1, 3);
  p.world.runFor(10_000);
  const start = p.world.nowMs;
  const name = p.a.name(p.s);
  assert.equal(p.a.close(p.s), LASTACK_WAIT);
  assert.equal(p.a.until(() => p.a.close(p.s)), 0);
  const took = p.world.nowMs - start;
  assert.ok(took >= 3000 && took <= 3100, `after ${took} ms`);
  const report = p.a.report(p.s, 0);
  assert.equal(report.outcome, "lingerExpired");
  assert.ok(report.durationMs >= 3000 && report.durationMs <= 3100);
  assert.equal(report.bytesAcknowledged + report.bytesUnacknowledged, 20_000);
  p.world.runFor(20);
  assert.equal(p.seen("RST", "a").length, 1);
  assert.equal(p.b.recvError(p.t), 10054);
  const before = p.wire.length;
  p.world.runFor(60_000);
  assert.equal(p.wire.slice(before).filter((x) => x.from === "a").length, 0, "W-10");
  const again = p.a.socket();
  assert.equal(p.a.bind(again, "10.0.0.1", Number(name.split(":")[1])), 0, "T-28");
  assert.equal(p.a.until(() => p.a.connect(again, "10.0.0.2", 7000)), 0);
});

test("C-15: a linger longer than the orphan timeout lasts its own time", async () => {
  const p = await stuffed();
  p.a.setLinger(p.s, 1, 100);
  const start = p.world.nowMs;
  assert.equal(p.a.until(() => p.a.close(p.s)), 0);
  const took = p.world.nowMs - start;
  assert.ok(took >= 100_000 && took <= 100_100, `after ${took} ms`);
  assert.equal(p.a.report(p.s, 0).outcome, "lingerExpired");
});

test("abortSocket ends a close under way: the closesocket that waits returns 0, then the handle means nothing (C-16, C-17)", async () => {
  const p = await stuffed();
  p.a.setLinger(p.s, 1, 30);
  assert.equal(p.a.close(p.s), LASTACK_WAIT);
  p.world.runFor(20);
  assert.equal(p.a.abort(p.s), 0);
  assert.equal(p.a.close(p.s), 0);
  assert.equal(p.a.abort(p.s), 10038);
  assert.equal(p.a.abort(0x7fffffff), 10038);
  p.world.runFor(10);
  assert.deepEqual(p.seen("RST", "a").map((x) => x.flags), ["RST,ACK"]);
  const report = p.a.report(p.s, 0);
  assert.deepEqual([report.outcome, report.cause], ["aborted", "abort"]);
  assert.equal(p.a.raw("orphans"), 0);
});

test("C-16, C-17: the peer resets during the linger wait", async () => {
  const p = await stuffed();
  p.a.setLinger(p.s, 1, 30);
  assert.equal(p.a.close(p.s), LASTACK_WAIT);
  p.world.runFor(100);
  const start = p.world.nowMs;
  p.b.setLinger(p.t, 1, 0);
  p.b.close(p.t);
  assert.equal(p.a.until(() => p.a.close(p.s)), 0);
  assert.ok(p.world.nowMs - start < 50);
  const report = p.a.report(p.s, 0);
  assert.deepEqual([report.outcome, report.error], ["resetByPeer", 10054]);
});

test("C-18, C-19, C-20, T-25, W-18: nonblocking, data outstanding: refused, and nothing has happened", async () => {
  const p = await stuffed();
  const { a, b, s, t } = p;
  const event = a.event();
  assert.equal(a.select(s, event, FD_ALL_EVENTS), 0);
  a.setLinger(s, 1, 5);
  for (let i = 0; i < 3; i++) assert.equal(a.close(s), 10035);
  assert.equal(a.state(s), "ESTABLISHED");
  assert.deepEqual(a.enumerate(s, event), { FD_CONNECT: 0, FD_WRITE: 0 }, "the record is kept");
  assert.deepEqual(a.linger(s), [1, 5]);
  let got = 0;
  p.world.runUntil(() => {
    got += b.recv(t)?.length ?? 0;
    return got === 20_000;
  }, 60_000);
  assert.equal(got, 20_000);
  b.send(t, "back");
  p.world.runFor(20);
  assert.equal(a.text(s), "back");
  assert.deepEqual([p.seen("FIN"), p.seen("RST")], [[], []]);
});

test("C-21: the way out by SO_DONTLINGER", async () => {
  const p = await refused();
  p.a.setOption(p.s, SOL_SOCKET, SO_DONTLINGER, 1);
  await flushed(p);
});

test("C-22: the way out by SD_SEND", async () => {
  const p = await refused();
  assert.equal(p.a.shutdown(p.s, SD_SEND), 0);
  await flushed(p);
});

test("C-23: the way out by linger { on, 0 }", async () => {
  const p = await refused();
  p.a.setLinger(p.s, 1, 0);
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(10);
  assert.equal(p.seen("RST", "a").length, 1);
});

test("C-24: the way out by FIONBIO 0 waits like any blocking close", async () => {
  const p = await refused();
  assert.equal(p.a.nonblocking(p.s, false), 0);
  assert.equal(p.a.close(p.s), LASTACK_WAIT);
});

async function refused(): Promise<Connected> {
  const p = await stuffed();
  p.a.nonblocking(p.s);
  p.a.setLinger(p.s, 1, 30);
  assert.equal(p.a.close(p.s), 10035);
  return p;
}

/** Closes at once, and the peer gets everything. */
async function flushed(p: Connected): Promise<void> {
  assert.equal(p.a.close(p.s), 0);
  let got = 0;
  for (let data = p.b.until(() => p.b.recv(p.t)); data?.length; data = p.b.until(() => p.b.recv(p.t))) got += data.length;
  assert.equal(got, 20_000);
  p.b.close(p.t);
  assert.equal(p.a.report(p.s).outcome, "graceful");
}

test("C-25, V-07: nonblocking and idle: refused by default, closed at once under the other reading", async () => {
  for (const [switches, code] of [[0, 10035], [SWITCH_V07_IDLE_CLOSE_SUCCEEDS, 0]] as const) {
    const p = await connected({ config: { switches } });
    p.a.nonblocking(p.s);
    p.a.setLinger(p.s, 1, 5);
    assert.equal(p.a.close(p.s), code);
    p.world.runFor(10);
    assert.equal(p.seen("FIN").length, code ? 0 : 1);
  }
});

test("C-26: nonblocking linger after a reset by the peer closes at once", async () => {
  const p = await connected();
  p.a.nonblocking(p.s);
  p.a.setLinger(p.s, 1, 5);
  p.b.setLinger(p.t, 1, 0);
  p.b.close(p.t);
  p.world.runFor(10);
  assert.equal(p.a.close(p.s), 0);
  assert.equal(p.a.report(p.s).outcome, "resetByPeer");
});

test("V-14: after SD_SEND a blocking linger still waits, or not under the other reading", async () => {
  for (const [switches, code] of [[0, LASTACK_WAIT], [SWITCH_V14_SHUT_CLOSE_RETURNS, 0]] as const) {
    const p = await connected({ config: { switches }, link: { delayMs: 10 } });
    p.a.setLinger(p.s, 1, 5);
    p.a.shutdown(p.s, SD_SEND);
    assert.equal(p.a.close(p.s), code);
  }
});

test("V-26: unread data wins over a linger time, blocking or not", async () => {
  for (const nonblocking of [false, true]) {
    const p = await connected();
    p.b.send(p.t, "unread");
    p.world.runFor(10);
    p.a.nonblocking(p.s, nonblocking);
    p.a.setLinger(p.s, 1, 30);
    assert.equal(p.a.close(p.s), 0);
    assert.deepEqual([p.a.report(p.s, 0).outcome, p.a.report(p.s, 0).cause], ["aborted", "unreadData"]);
  }
});

test("C-31: while one caller lingers the handle is dead for every other", async () => {
  const p = await stuffed();
  p.a.setLinger(p.s, 1, 5);
  assert.equal(p.a.as(1).close(p.s), LASTACK_WAIT);
  p.a.as(2);
  assert.equal(p.a.close(p.s), 10038);
  assert.equal(p.a.sendError(p.s), 10038);
  assert.equal(p.a.recvError(p.s), 10038);
  assert.equal(p.a.as(1).close(p.s), LASTACK_WAIT, "asking again does not end the wait");
  assert.equal(p.a.as(1).until(() => p.a.close(p.s)), 0);
});

test("a cancelled linger wait returns 10004 and the close goes on", async () => {
  const p = await stuffed();
  p.a.setLinger(p.s, 1, 5);
  assert.equal(p.a.close(p.s), LASTACK_WAIT);
  assert.equal(p.a.code("WSPCancelBlockingCall"), 0);
  assert.equal(p.a.close(p.s), 10004);
  assert.equal(p.a.close(p.s), 10038);
  assert.equal(p.a.report(p.s).outcome, "lingerExpired");
});

test("L-23, L-26, S-32: SO_LINGER acts at the close only; no shutdown waits for it", async () => {
  const p = await stuffed();
  p.a.setLinger(p.s, 1, 0);
  p.world.runFor(100);
  assert.equal(p.a.state(p.s), "ESTABLISHED");
  p.a.setLinger(p.s, 1, 30);
  const start = p.world.nowMs;
  assert.equal(p.a.shutdown(p.s, SD_SEND), 0);
  assert.equal(p.a.code("WSPRecvDisconnect", p.s, 0), 0);
  assert.equal(p.world.nowMs, start);
});

test("L-30, L-31: a listener and a socket without connection close at once whatever linger says", async () => {
  const p = await connected();
  for (const [h, nonblocking] of [[p.b.listener(7100), true], [p.b.socket(), false], [p.b.socket(), true]] as const) {
    p.b.nonblocking(h, nonblocking);
    assert.equal(p.b.setLinger(h, 1, 30), 0);
    assert.equal(p.b.close(h), 0);
    assert.equal(p.b.report(h).outcome, "notConnected");
    assert.deepEqual([p.seen("FIN"), p.seen("RST")], [[], []]);
  }
});

test("L-22: an accepted socket has its listener's linger of that moment", async () => {
  const p = await connected();
  p.b.setOption(p.listener, SOL_SOCKET, SO_LINGER, 1 | (555 << 16));
  const s = p.a.socket();
  p.a.until(() => p.a.connect(s, "10.0.0.2", 7000));
  p.world.runFor(10);
  const t = p.b.accept(p.listener);
  p.b.setLinger(p.listener, 0, 0);
  assert.deepEqual(p.b.linger(t), [1, 555]);
});

test("V-21: in FIN_WAIT_2 a linger has nothing to wait for: delivered at once, and the peer may still close", async () => {
  const { world, a, b, s, t } = await connected({ link: { delayMs: 5 } });
  assert.equal(a.shutdown(s, SD_SEND), 0);
  world.runFor(100);
  assert.equal(a.state(s), "FIN_WAIT_2");
  assert.equal(a.setLinger(s, 1, 30), 0);
  assert.equal(a.close(s), 0);
  const report = a.report(s);
  assert.deepEqual([report.outcome, report.peerFin, report.state, report.durationMs], ["delivered", false, "FIN_WAIT_2", 0]);
  assert.equal(a.raw("orphans"), 0);
  assert.equal(b.close(t), 0);
  world.runFor(100);
  assert.equal(b.report(t).outcome, "graceful");
});

test("C-22, V-14: where linger does not apply, a close in FIN_WAIT_2 goes on in the background", async () => {
  for (const nonblocking of [true, false]) {
    const { world, a, b, s, t } = await connected({ configA: { switches: nonblocking ? 0 : SWITCH_V14_SHUT_CLOSE_RETURNS } });
    a.nonblocking(s, nonblocking);
    assert.equal(a.shutdown(s, SD_SEND), 0);
    world.runFor(100);
    assert.equal(a.setLinger(s, 1, 30), 0);
    assert.equal(a.close(s), 0);
    assert.equal(a.raw("orphans"), 1);
    assert.equal(b.close(t), 0);
    world.runFor(100);
    assert.equal(a.report(s).outcome, "graceful");
  }
});

/** LSO_DRAIN: 64 KiB and `ms`. */
function setDrain(a: Spi, s: number, ms: number): void {
  a.setWord(32, 65536);
  a.setWord(36, ms);
  assert.equal(a.code("WSPSetSockOpt", s, SOL_LASTACK, LSO_DRAIN, a.at + 32, 8), 0);
}

test("V-21: in FIN_WAIT_2 with LSO_DRAIN a linger's report comes when the drain is over", async () => {
  const p = await connected();
  assert.equal(p.a.shutdown(p.s, SD_SEND), 0);
  p.world.runFor(100);
  setDrain(p.a, p.s, 500);
  assert.equal(p.a.setLinger(p.s, 1, 30), 0);
  assert.equal(p.a.close(p.s), 0);
  assert.equal(p.b.send(p.t, "late"), 4);
  p.world.runFor(490);
  assert.equal(p.a.raw("orphans"), 1);
  p.world.runFor(20);
  const report = p.a.report(p.s);
  assert.deepEqual([report.outcome, report.durationMs, report.bytesDiscarded], ["delivered", 500, 4]);
  assert.deepEqual(p.seen("RST"), []);
});

test("C-15: a lingering close without any answer lasts its own time, neither the user timeout nor the orphan timeout, draining or not", async () => {
  for (const drainMs of [0, 3_000, 60_000]) {
    const { world, a, s } = await scripted(65_535, { userTimeoutMs: 5_000, orphanTimeoutMs: 6_000 });
    assert.equal(a.nonblocking(s, false), 0);
    assert.equal(a.send(s, "never acknowledged"), 18);
    setDrain(a, s, drainMs);
    assert.equal(a.setLinger(s, 1, 40), 0);
    const start = world.nowMs;
    assert.equal(a.until(() => a.close(s)), 0);
    assert.equal(Math.round(world.nowMs - start), 40_000);
    assert.deepEqual([a.report(s).outcome, a.report(s).durationMs], ["lingerExpired", 40_000]);
  }
});
