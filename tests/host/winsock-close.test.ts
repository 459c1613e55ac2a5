/** Closing: chapter C, but for lingering (winsock-linger) and what waits in other calls (winsock-waits). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { SWITCH_V08_UNREAD_CLOSE_FIN } from "../../host/abi/config.gen.ts";
import { FD_ALL_EVENTS, LSO_DRAIN, SD_SEND, SOL_LASTACK } from "../../host/abi/winsock.gen.ts";
import { B, connected, join, pair, PORT } from "./support/pair.ts";

const END = new Uint8Array(0);

test("C-01: an idle connection closes at once, the peer reads the end", async () => {
  const p = await connected();
  const { a, b, s, t } = p;
  const event = b.event();
  b.select(t, event, FD_ALL_EVENTS);
  b.enumerate(t, event);
  assert.equal(a.close(s), 0);
  p.world.runFor(10);
  assert.deepEqual(p.seen("FIN", "a").length, 1);
  assert.deepEqual(b.enumerate(t, event), { FD_CLOSE: 0 });
  assert.deepEqual(b.recv(t), END);
  assert.deepEqual(b.enumerate(t, event), {}, "FD_CLOSE comes once");
  assert.equal(a.raw("orphans"), 1, "H-19");
  assert.deepEqual(a.reports, [], "not settled: the peer has not closed");
  assert.equal(b.close(t), 0);
  p.world.runFor(10);
  assert.equal(a.raw("orphans"), 0);
  assert.equal(a.report(s).outcome, "graceful");
  assert.equal(a.report(s).state, "ESTABLISHED");
});

test("C-01, seam: a peer that never closes leaves `delivered` after the FIN_WAIT_2 limit", async () => {
  const p = await connected();
  assert.equal(p.a.send(p.s, "data"), 4);
  assert.equal(p.a.close(p.s), 0);
  const report = p.a.report(p.s);
  assert.deepEqual([report.outcome, report.bytesAcknowledged, report.peerFin], ["delivered", 4, false]);
  assert.ok(report.durationMs >= 60_000 && report.durationMs < 61_000, `after ${report.durationMs} ms`);
});

for (const nonblocking of [false, true]) {
  test(`${nonblocking ? "C-03" : "C-02, C-04"}: queued data arrives whole after the close`, async () => {
    const p = await connected({ link: { delayMs: 3 } });
    const { a, b, s, t } = p;
    const size = 20 << 20;
    const block = a.at + 768;
    a.nonblocking(s, nonblocking);
    // One WSABUF may name more than the harness's area: any readable memory will do.
    assert.equal(a.core.memory.memory.grow(Math.ceil(size / 65536)) >= 0, true);
    a.core.memory.ensure();
    a.setWord(16, size);
    a.setWord(20, block);
    assert.equal(a.code("WSPSend", s, a.at + 16, 1, a.at + 8, 0, 0, 0, 0), 0);
    assert.equal(a.word(8), size);
    assert.equal(a.close(s), 0);
    let got = 0;
    for (let data = b.until(() => b.recv(t)); data?.length; data = b.until(() => b.recv(t))) got += data.length;
    assert.equal(got, size);
    b.close(t);
    const report = a.report(s);
    assert.deepEqual([report.outcome, report.bytesSent, report.bytesAcknowledged], ["graceful", size, size]);
  });
}

test("C-05: closing after the peer: LAST_ACK, then gone", async () => {
  const p = await connected();
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  assert.deepEqual(p.a.recv(p.s), END);
  assert.equal(p.a.state(p.s), "CLOSE_WAIT");
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(10);
  const report = p.a.report(p.s);
  assert.deepEqual([report.outcome, report.state], ["graceful", "CLOSE_WAIT"]);
});

test("C-06, W-05: closing after SD_SEND sends no second FIN", async () => {
  const p = await connected();
  p.a.shutdown(p.s, SD_SEND);
  p.world.runFor(10);
  assert.equal(p.a.state(p.s), "FIN_WAIT_2");
  const before = p.wire.length;
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(10);
  assert.equal(p.wire.length, before);
});

test("C-07: closing when both FINs are through", async () => {
  const p = await connected();
  p.a.shutdown(p.s, SD_SEND);
  p.world.runFor(10);
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  assert.deepEqual([p.a.state(p.s), p.b.state(p.t)], ["TIME_WAIT", "CLOSED"]);
  const before = p.wire.length;
  assert.deepEqual([p.a.close(p.s), p.b.close(p.t)], [0, 0]);
  assert.deepEqual([p.a.report(p.s).outcome, p.b.report(p.t).outcome], ["graceful", "graceful"]);
  assert.deepEqual([p.a.report(p.s).durationMs, p.a.report(p.s).state], [0, "TIME_WAIT"]);
  assert.equal(p.wire.length, before);
});

test("C-27, E-35: the own event object hears nothing of the close", async () => {
  const p = await connected();
  const event = p.a.event();
  p.a.select(p.s, event, FD_ALL_EVENTS);
  p.a.enumerate(p.s, event);
  assert.equal(p.a.close(p.s), 0);
  p.b.close(p.t);
  p.world.runFor(100);
  assert.equal(p.a.isSet(event), false);
  assert.equal(p.a.raw("WSACloseEvent", event), 1, "the event object is still the caller's");
});

test("C-29, C-30, C-50: a closed or never issued handle is no socket", async () => {
  const p = await connected();
  assert.equal(p.a.close(p.s), 0);
  for (const h of [p.s, 0, -1, 12345, p.a.event()]) {
    assert.equal(p.a.close(h), 10038);
    assert.equal(p.a.shutdown(h, 1), 10038);
    assert.equal(p.a.recvError(h), 10038);
    assert.equal(p.a.sendError(h), 10038);
    assert.equal(p.a.getOption(h, 0xffff, 0x80), -1);
    assert.equal(p.a.err, 10038);
  }
  assert.notEqual(p.a.socket(), p.s, "V-19: the value is not issued again soon");
});

test("C-44, W-12, V-08: unread data turns the close into a reset", async () => {
  const p = await connected();
  p.b.send(p.t, "unread");
  p.world.runFor(10);
  const before = p.wire.length;
  assert.equal(p.a.send(p.s, "queued"), 6);
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(10);
  const sent = p.wire.slice(before).filter((x) => x.from === "a");
  assert.deepEqual(sent.map((x) => [x.flags, x.length]), [["RST,ACK", 0]]);
  assert.equal(p.b.recvError(p.t), 10054);
  const report = p.a.report(p.s);
  assert.deepEqual([report.outcome, report.cause, report.bytesDiscarded, report.bytesUnacknowledged], ["aborted", "unreadData", 6, 6]);
});

test("V-08 the other way: unread data and a FIN", async () => {
  const p = await connected({ config: { switches: SWITCH_V08_UNREAD_CLOSE_FIN } });
  p.b.send(p.t, "unread");
  p.world.runFor(10);
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(10);
  assert.equal(p.seen("RST").length, 0);
  assert.equal(p.seen("FIN", "a").length, 1);
});

test("C-45, W-13: data after the close is answered with RST and not acknowledged", async () => {
  const p = await connected();
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(10);
  const before = p.wire.length;
  assert.equal(p.b.send(p.t, "late"), 4);
  p.world.runFor(10);
  const late = p.wire.slice(before).find((x) => x.from === "b");
  const answers = p.wire.slice(before).filter((x) => x.from === "a");
  assert.deepEqual(answers.map((x) => [x.flags, x.seq]), [["RST", late?.ack]]);
  assert.equal(p.b.recvError(p.t), 10053, "R-06");
  const report = p.a.report(p.s);
  assert.deepEqual([report.outcome, report.cause, report.bytesDiscarded], ["aborted", "dataAfterClose", 4]);
});

test("LSO_DRAIN: closing with unread and late data does not reset while the drain lasts", async () => {
  const p = await connected();
  p.b.send(p.t, "unread");
  p.world.runFor(10);
  p.a.setWord(36, 2000);
  p.a.setWord(32, 65536);
  assert.equal(p.a.code("WSPSetSockOpt", p.s, SOL_LASTACK, LSO_DRAIN, p.a.at + 32, 8), 0);
  assert.equal(p.a.close(p.s), 0);
  p.world.runFor(10);
  assert.equal(p.b.send(p.t, "late"), 4);
  p.world.runFor(10);
  assert.equal(p.b.close(p.t), 0);
  p.world.runFor(10);
  const report = p.a.report(p.s);
  assert.deepEqual([report.outcome, report.bytesDiscarded], ["graceful", 10]);
  assert.deepEqual(p.seen("RST"), []);
});

test("LSO_DRAIN: more than its bytes, or after its time, resets as without it", async () => {
  for (const [bytes, ms, after] of [[8, 2000, 10], [1000, 500, 600]] as const) {
    const p = await connected();
    p.a.setWord(36, ms);
    p.a.setWord(32, bytes);
    assert.equal(p.a.code("WSPSetSockOpt", p.s, SOL_LASTACK, LSO_DRAIN, p.a.at + 32, 8), 0);
    assert.equal(p.a.close(p.s), 0);
    p.world.runFor(after);
    assert.equal(p.b.send(p.t, "late enough"), 11);
    p.world.runFor(10);
    assert.equal(p.seen("RST", "a").length, 1);
    const report = p.a.report(p.s);
    assert.deepEqual([report.outcome, report.cause], ["aborted", "dataAfterClose"]);
  }
});

test("C-46, C-47, W-28: closing a listener resets what it queued and nothing else", async () => {
  const p = await connected();
  const { a, b } = p;
  const second = a.socket();
  assert.equal(a.until(() => a.connect(second, B, PORT)), 0);
  p.world.runFor(10);
  assert.equal(b.close(p.listener), 0);
  assert.equal(b.report(p.listener).outcome, "notConnected");
  p.world.runFor(10);
  assert.equal(a.recvError(second), 10054);
  assert.equal(a.send(p.s, "still here"), 10);
  p.world.runFor(10);
  assert.equal(b.text(p.t), "still here");
  const third = a.socket();
  assert.equal(a.until(() => a.connect(third, B, PORT)), 10061);
});

test("C-48, W-09: closing while connecting sends nothing; a late SYN,ACK is answered with RST", async () => {
  const p = await connected({ link: { delayMs: 50 } });
  const s = p.a.socket();
  p.a.nonblocking(s);
  assert.equal(p.a.connect(s, B, PORT), 10035);
  p.world.runFor(10);
  const before = p.wire.length;
  assert.equal(p.a.close(s), 0);
  assert.equal(p.a.report(s, 0).outcome, "notConnected");
  p.world.runFor(30);
  assert.equal(p.wire.length, before, "nothing is sent by the close");
  p.world.runFor(100);
  const [answer, ...more] = p.wire.slice(before).filter((x) => x.from === "a");
  assert.deepEqual([answer?.flags, more.length], ["RST", 0]);
});

test("C-49: closing a UDP socket sends what is queued and reports at once", async () => {
  const p = await pair();
  const { a, b } = p;
  const receiver = b.socket("udp");
  assert.equal(b.bind(receiver, "0.0.0.0", 5000), 0);
  const sender = a.socket("udp");
  assert.equal(a.sendTo(sender, "one", B, 5000), 0);
  assert.equal(a.sendTo(sender, "two", B, 5000), 0);
  assert.equal(a.close(sender), 0);
  assert.equal(a.report(sender).outcome, "notConnected");
  p.world.runFor(10);
  assert.deepEqual([b.text(receiver), b.text(receiver)], ["one", "two"]);
});

test("C-51 … C-55, H-21, H-22, H-16: startups are counted, the last cleanup resets everything", async () => {
  const p = await connected();
  const { a, b, s } = p;
  assert.equal(a.startup(), 0);
  assert.equal(a.cleanup(), 0);
  assert.equal(a.send(s, "usable"), 6, "C-52");
  const fresh = a.socket();
  const background = join(p, p.listener);
  assert.equal(a.close(background.s), 0);
  p.world.runFor(10);
  assert.equal(a.cleanup(), 0);
  assert.equal(a.close(s), 10093, "H-22");
  assert.equal(a.raw("orphans"), 0);
  p.world.runFor(10);
  assert.equal(p.seen("RST", "a").length, 2, "C-53 and C-54");
  assert.equal(b.recvError(p.t), 10054);
  const causes = [s, background.s].map((h) => [a.report(h).outcome, a.report(h).cause]);
  assert.deepEqual(causes, [["aborted", "cleanup"], ["aborted", "cleanup"]]);
  assert.equal(a.report(fresh).outcome, "notConnected");
  assert.equal(a.cleanup(), 10093, "C-55");
  assert.equal(a.startup(), 0);
  assert.equal(a.close(s), 10038, "C-53: old handles are dead");
});

test("C-56, T-26: an orphan without acknowledgements times out", async () => {
  const p = await connected();
  assert.equal(p.a.send(p.s, "lost"), 4);
  p.link.b.close();
  assert.equal(p.a.close(p.s), 0);
  const report = p.a.report(p.s);
  assert.deepEqual([report.outcome, report.error, report.bytesUnacknowledged], ["timedOut", 10060, 4]);
  assert.ok(report.durationMs >= 60_000 && report.durationMs <= 61_000, `after ${report.durationMs} ms`);
  assert.equal(p.a.raw("orphans"), 0);
});

test("C-57, O-17: an exclusive bind waits until the closed connection is gone", async () => {
  const p = await connected();
  assert.equal(p.b.close(p.t), 0);
  assert.equal(p.b.close(p.listener), 0);
  p.world.runFor(10);
  const exclusive = p.b.socket();
  assert.equal(p.b.setOption(exclusive, 0xffff, -5, 1), 0);
  assert.equal(p.b.bind(exclusive, "0.0.0.0", PORT), 10048);
  const plain = p.b.socket();
  assert.equal(p.b.bind(plain, "0.0.0.0", PORT), 0, "O-18");
  p.b.close(plain);
  p.a.close(p.s);
  p.world.runFor(10);
  assert.equal(p.b.bind(exclusive, "0.0.0.0", PORT), 0);
});

test("C-59: an accepted connection closed at once", async () => {
  const p = await pair();
  const listener = p.b.listener(PORT);
  const s = p.a.socket();
  assert.equal(p.a.connect(s, B, PORT), LASTACK_WAIT);
  const t = p.b.until(() => p.b.accept(listener));
  assert.equal(p.b.close(t), 0);
  assert.equal(p.a.until(() => p.a.connect(s, B, PORT)), 0);
  assert.deepEqual(p.a.until(() => p.a.recv(s)), END);
  assert.deepEqual(p.seen("RST"), []);
});

test("abortSocket resets now, the handle stays until it is closed", async () => {
  const p = await connected();
  assert.equal(p.a.send(p.s, "queued"), 6);
  assert.equal(p.a.abort(p.s), 0);
  assert.equal(p.a.recvError(p.s), 10053);
  assert.equal(p.a.sendError(p.s), 10053);
  p.world.runFor(10);
  assert.deepEqual(p.seen("RST", "a").map((x) => x.flags), ["RST,ACK"]);
  assert.equal(p.b.recvError(p.t), 10054);
  assert.equal(p.a.close(p.s), 0);
  const report = p.a.report(p.s);
  assert.deepEqual([report.outcome, report.cause, report.bytesUnacknowledged], ["aborted", "abort", 6]);
  assert.equal(p.a.abort(p.a.socket()), 10057);
});

test("reports: each is handed out once, the oldest gives way when slots run out", async () => {
  const { a } = await pair({ config: { reportSlots: 3 } });
  a.driver.close();
  const handles = [1, 2, 3, 4, 5].map(() => a.socket());
  for (const h of handles) assert.equal(a.close(h), 0);
  const pulled = [a.core.pullReport(), a.core.pullReport(), a.core.pullReport(), a.core.pullReport()];
  assert.deepEqual(pulled.map((r) => r?.handle), [handles[2], handles[3], handles[4], undefined]);
  assert.equal(pulled[0]?.dropped, 2);
});
