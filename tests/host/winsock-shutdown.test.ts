/** Shutdown and the two disconnects: chapters S and D. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SWITCH_V10_RECV_SHUT_KEEPS, SWITCH_V22_RECVDISC_LENIENT } from "../../host/abi/config.gen.ts";
import { FD_ALL_EVENTS, FD_WRITE, SD_BOTH, SD_RECEIVE, SD_SEND } from "../../host/abi/winsock.gen.ts";
import { type Connected, connected, pair, PORT } from "./support/pair.ts";

const END = new Uint8Array(0);

/** What the peer did since: segments of a. */
const sentByA = (p: Connected, since: number): string[] => p.wire.slice(since).filter((x) => x.from === "a").map((x) => x.flags);

test("S-01, S-03, S-04, S-05, S-06: SD_SEND sends one FIN; sending ends, receiving does not", async () => {
  const p = await connected();
  const { a, b, s, t } = p;
  const event = a.event();
  a.select(s, event, FD_WRITE);
  a.enumerate(s, event);
  assert.equal(a.shutdown(s, SD_SEND), 0);
  assert.equal(a.shutdown(s, SD_SEND), 0, "S-03");
  p.world.runFor(10);
  assert.equal(a.state(s), "FIN_WAIT_2");
  assert.equal(p.seen("FIN").length, 1);
  assert.equal(a.sendError(s), 10058, "S-04");
  assert.equal(a.sendError(s, ""), 10058, "S-05");
  assert.equal(a.sendTo(s, "x", "10.0.0.2", PORT), 10058, "S-05");
  assert.deepEqual(b.recv(t), END);
  assert.equal(b.send(t, "late"), 4);
  p.world.runFor(10);
  assert.equal(a.text(s), "late", "S-06");
  assert.deepEqual(a.enumerate(s, event), {}, "FD_WRITE never again");
});

test("S-02: SD_SEND does not wait for queued data; the FIN follows the last byte", async () => {
  const p = await connected({ link: { delayMs: 5 } });
  assert.equal(p.a.send(p.s, 30_000), 30_000);
  const start = p.world.nowMs;
  assert.equal(p.a.shutdown(p.s, SD_SEND), 0);
  assert.equal(p.world.nowMs, start);
  let got = 0;
  for (let data = p.b.until(() => p.b.recv(p.t)); data?.length; data = p.b.until(() => p.b.recv(p.t))) got += data.length;
  assert.equal(got, 30_000);
  const first = p.wire.find((x) => x.from === "a" && x.length > 0);
  const fin = p.seen("FIN", "a")[0];
  assert.equal(((fin?.seq ?? 0) + (fin?.length ?? 0) - (first?.seq ?? 0)) >>> 0, 30_000);
});

test("S-07: SD_SEND in CLOSE_WAIT: LAST_ACK, CLOSED, and the handle stays valid", async () => {
  const p = await connected();
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  assert.deepEqual(p.a.recv(p.s), END);
  assert.equal(p.a.shutdown(p.s, SD_SEND), 0);
  p.world.runFor(10);
  assert.equal(p.a.state(p.s), "CLOSED");
  assert.equal(p.a.name(p.s, true), `10.0.0.2:${PORT}`);
  assert.equal(p.a.shutdown(p.s, SD_BOTH), 0);
  assert.equal(p.a.close(p.s), 0);
});

test("S-08, S-09, S-10, W-15: SD_RECEIVE with nothing unread is silent and ends receiving only", async () => {
  const p = await connected();
  const event = p.b.event();
  p.b.select(p.t, event, FD_ALL_EVENTS);
  p.b.enumerate(p.t, event);
  const before = p.wire.length;
  assert.equal(p.a.shutdown(p.s, SD_RECEIVE), 0);
  p.world.runFor(5);
  assert.equal(p.wire.length, before);
  assert.deepEqual(p.b.enumerate(p.t, event), {}, "E-34");
  assert.deepEqual([p.a.recvError(p.s), p.a.recvError(p.s)], [10058, 10058]);
  assert.equal(p.a.send(p.s, "still"), 5);
  p.world.runFor(10);
  assert.equal(p.b.text(p.t), "still");
});

test("S-11, W-16, D-14: SD_RECEIVE with data unread resets", async () => {
  for (const end of [(p: Connected) => p.a.shutdown(p.s, SD_RECEIVE), (p: Connected) => p.a.code("WSPRecvDisconnect", p.s, 0)]) {
    const p = await connected();
    p.b.send(p.t, "unread");
    p.world.runFor(10);
    const before = p.wire.length;
    assert.equal(end(p), 0);
    p.world.runFor(10);
    assert.deepEqual(sentByA(p, before), ["RST,ACK"]);
    assert.equal(p.b.recvError(p.t), 10054);
    assert.equal(p.a.recvError(p.s), 10058);
    assert.equal(p.a.sendError(p.s), 10053);
    p.a.close(p.s);
    assert.deepEqual([p.a.report(p.s).outcome, p.a.report(p.s).cause], ["aborted", "recvShut"]);
  }
});

test("S-12, W-16: data after SD_RECEIVE resets and is not acknowledged", async () => {
  const p = await connected();
  assert.equal(p.a.shutdown(p.s, SD_RECEIVE), 0);
  p.world.runFor(100);
  const before = p.wire.length;
  p.b.send(p.t, "unwanted");
  p.world.runFor(10);
  assert.equal(p.seen("RST", "a", before).length, 1);
  const data = p.wire.slice(before).find((x) => x.length > 0);
  assert.ok(p.wire.slice(before).filter((x) => x.from === "a" && x.flags.includes("ACK")).every((x) => x.ack === data?.seq), "nothing acknowledges it");
  assert.equal(p.b.recvError(p.t), 10054);
  assert.equal(p.a.sendError(p.s), 10053);
});

test("V-10 the other way: after SD_RECEIVE data is kept, nothing resets", async () => {
  const p = await connected({ config: { switches: SWITCH_V10_RECV_SHUT_KEEPS } });
  p.b.send(p.t, "unread");
  p.world.runFor(10);
  assert.equal(p.a.shutdown(p.s, SD_RECEIVE), 0);
  p.b.send(p.t, "more");
  p.world.runFor(10);
  assert.deepEqual(p.seen("RST"), []);
  assert.equal(p.a.recvError(p.s), 10058);
});

test("S-13, E-33, W-17: a FIN after SD_RECEIVE is acknowledged and tells FD_CLOSE", async () => {
  const p = await connected();
  const event = p.a.event();
  p.a.select(p.s, event, FD_ALL_EVENTS);
  p.a.enumerate(p.s, event);
  p.a.shutdown(p.s, SD_RECEIVE);
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(100);
  assert.equal(p.a.recvError(p.s), 10058);
  assert.deepEqual(p.a.enumerate(p.s, event), { FD_CLOSE: 0 });
  assert.deepEqual(p.seen("RST"), []);
  assert.deepEqual([p.a.state(p.s), p.b.state(p.t)], ["CLOSE_WAIT", "FIN_WAIT_2"]);
});

test("S-16: SD_RECEIVE after the end turns 0 into 10058", async () => {
  const p = await connected();
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  assert.deepEqual(p.a.recv(p.s), END);
  assert.equal(p.a.shutdown(p.s, SD_RECEIVE), 0);
  assert.equal(p.a.recvError(p.s), 10058);
  assert.equal(p.a.state(p.s), "CLOSE_WAIT");
});

test("S-17, S-18, E-30, E-32: SD_BOTH ends both directions with at most one FIN", async () => {
  for (const before of [[], [SD_SEND], [SD_RECEIVE], [SD_SEND, SD_RECEIVE], [SD_BOTH]]) {
    const p = await connected();
    for (const how of before) assert.equal(p.a.shutdown(p.s, how), 0);
    assert.equal(p.a.shutdown(p.s, SD_BOTH), 0);
    p.world.runFor(10);
    assert.deepEqual([p.a.recvError(p.s), p.a.sendError(p.s)], [10058, 10058]);
    assert.equal(p.seen("FIN", "a").length, 1);
    assert.deepEqual(p.b.recv(p.t), END);
  }
});

test("S-19: SD_BOTH with data unread: RST instead of FIN", async () => {
  const p = await connected();
  p.b.send(p.t, "unread");
  p.world.runFor(10);
  const before = p.wire.length;
  assert.equal(p.a.shutdown(p.s, SD_BOTH), 0);
  assert.equal(p.a.shutdown(p.s, SD_BOTH), 0);
  p.world.runFor(10);
  assert.deepEqual(sentByA(p, before), ["RST,ACK"]);
});

test("S-20: SD_BOTH and close with data queued: the peer gets everything", async () => {
  const p = await connected({ link: { delayMs: 5 } });
  p.a.send(p.s, 30_000);
  assert.equal(p.a.shutdown(p.s, SD_BOTH), 0);
  assert.equal(p.a.close(p.s), 0);
  let got = 0;
  for (let data = p.b.until(() => p.b.recv(p.t)); data?.length; data = p.b.until(() => p.b.recv(p.t))) got += data.length;
  assert.equal(got, 30_000);
});

test("S-21, S-22, S-23, S-24, S-25, S-40, D-06, D-18, D-19: who cannot be shut, and how", async () => {
  const p = await connected();
  const { a } = p;
  const fresh = a.socket();
  const bound = a.socket();
  a.bind(bound, "0.0.0.0", 0);
  const listening = a.listener(7200);
  const connecting = a.socket();
  a.nonblocking(connecting);
  assert.equal(a.connect(connecting, "10.0.0.99", 1), 10035);
  for (const h of [fresh, bound, listening, connecting]) {
    for (const how of [SD_RECEIVE, SD_SEND, SD_BOTH]) assert.equal(a.shutdown(h, how), 10057);
    assert.equal(a.code("WSPSendDisconnect", h, 0), 10057);
    assert.equal(a.code("WSPRecvDisconnect", h, 0), 10057);
    for (const how of [3, -1, 0xdeadbeef]) assert.equal(a.shutdown(h, how), 10022, "S-25");
  }
  assert.equal(a.state(listening), "LISTEN");
  assert.equal(a.shutdown(p.s, 3), 10022);
  assert.equal(a.shutdown(p.s, SD_BOTH), 0);
  assert.equal(a.shutdown(p.s, 3), 10022, "S-24");
  assert.equal(a.shutdown(12345, 3), 10038);
  assert.equal(a.code("WSPSendDisconnect", 12345, 0), 10038);
  a.cleanup();
  for (const call of ["WSPSendDisconnect", "WSPRecvDisconnect"]) assert.equal(a.code(call, p.s, 0), 10093);
  assert.equal(a.shutdown(p.s, 1), 10093);
});

test("S-27, S-28, S-29, D-21, X-23: names and connectedness survive", async () => {
  const p = await connected();
  const names = [p.a.name(p.s), p.a.name(p.s, true)];
  p.a.shutdown(p.s, SD_BOTH);
  p.world.runFor(10);
  assert.deepEqual([p.a.name(p.s), p.a.name(p.s, true)], names);
  assert.equal(p.a.connect(p.s, "10.0.0.2", PORT), 10056);
  assert.equal(p.a.connect(p.s, "10.0.0.2", 1), 10056);
});

test("S-30, S-31: shutdown of a lost connection", async () => {
  const p = await connected({ config: { userTimeoutMs: 5000 } });
  p.b.setLinger(p.t, 1, 0);
  p.b.close(p.t);
  p.world.runFor(10);
  assert.equal(p.a.shutdown(p.s, SD_SEND), 10054);
  const q = await connected({ config: { userTimeoutMs: 5000 } });
  q.link.b.close();
  q.a.send(q.s, "lost");
  q.world.runFor(20_000);
  assert.equal(q.a.shutdown(q.s, SD_SEND), 10053);
});

test("S-36, V-18: FIN_WAIT_2 with the handle open lasts, unless the knob limits it", async () => {
  const p = await connected();
  p.a.shutdown(p.s, SD_SEND);
  p.world.runFor(7_000_000);
  assert.equal(p.a.state(p.s), "FIN_WAIT_2");
  p.b.send(p.t, "after hours");
  p.world.runFor(10);
  assert.equal(p.a.text(p.s), "after hours");
  const q = await connected({ config: { finWait2Ms: 300_000 } });
  q.a.shutdown(q.s, SD_SEND);
  q.world.runFor(301_000);
  assert.equal(q.a.recvError(q.s), 10054);
});

test("S-37, S-38, S-39, W-31: UDP shutdown only refuses own calls", async () => {
  const { a, b, world } = await pair();
  const [u, v] = [a.socket("udp"), b.socket("udp")];
  a.bind(u, "0.0.0.0", 5000);
  b.bind(v, "0.0.0.0", 5000);
  assert.equal(a.shutdown(u, SD_RECEIVE), 0);
  assert.equal(b.sendTo(v, "kept, not readable", "10.0.0.1", 5000), 0);
  world.runFor(10);
  assert.equal(a.recvError(u), 10058);
  assert.equal(a.unread(u), 18);
  assert.deepEqual([b.nonblocking(v), b.recvError(v)], [0, 10035], "no ICMP came back");
  assert.deepEqual([b.shutdown(v, SD_SEND), b.shutdown(v, SD_SEND)], [0, 0]);
  assert.equal(b.sendTo(v, "x", "10.0.0.1", 5000), 10058);
  assert.equal(a.sendTo(u, "other way", "10.0.0.2", 5000), 0);
  world.runFor(10);
  assert.equal(b.text(v), "other way");
  assert.equal(a.shutdown(a.socket("udp"), SD_BOTH), 0, "unbound");
});

test("S-42: both SD_SEND: recv 0 on both, TIME_WAIT on the first", async () => {
  const p = await connected({ config: { timeWaitMs: 1000 } });
  p.a.shutdown(p.s, SD_SEND);
  p.world.runFor(10);
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  assert.deepEqual([p.a.recv(p.s), p.b.recv(p.t)], [END, END]);
  assert.deepEqual([p.a.state(p.s), p.b.state(p.t)], ["TIME_WAIT", "CLOSED"]);
  p.world.runFor(2000);
  assert.equal(p.a.state(p.s), "CLOSED");
  assert.deepEqual([p.a.recv(p.s), p.a.name(p.s, true)], [END, `10.0.0.2:${PORT}`]);
});

test("D-01, D-07, D-08, D-09: WSPSendDisconnect is SD_SEND", async () => {
  const p = await connected();
  assert.equal(p.a.code("WSPSendDisconnect", p.s, 0), 0);
  assert.equal(p.a.code("WSPSendDisconnect", p.s, 0), 0);
  assert.equal(p.a.shutdown(p.s, SD_SEND), 0);
  p.world.runFor(10);
  assert.equal(p.seen("FIN", "a").length, 1);
  assert.equal(p.a.sendError(p.s), 10058);
  p.b.send(p.t, "late");
  p.world.runFor(10);
  assert.equal(p.a.text(p.s), "late");
});

test("D-02, D-03, D-05, D-15, V-22, W-30: disconnect data is refused and nothing happens", async () => {
  const p = await connected();
  const before = p.wire.length;
  for (const pointer of [p.a.at, 0xfffffff0, 4]) {
    assert.equal(p.a.code("WSPSendDisconnect", p.s, pointer), 10042);
    assert.equal(p.a.code("WSPRecvDisconnect", p.s, pointer), 10042);
  }
  assert.equal(p.a.send(p.s, "still open"), 10);
  p.world.runFor(10);
  assert.equal(p.b.text(p.t), "still open");
  assert.equal(p.seen("FIN", "a", before).length, 0);
  const q = await connected({ config: { switches: SWITCH_V22_RECVDISC_LENIENT } });
  assert.equal(q.a.code("WSPRecvDisconnect", q.s, q.a.at), 0);
  assert.equal(q.a.recvError(q.s), 10058);
});

test("D-12, D-13, D-20: WSPRecvDisconnect is SD_RECEIVE and frees nothing", async () => {
  const p = await connected();
  const before = p.wire.length;
  assert.equal(p.a.code("WSPRecvDisconnect", p.s, 0), 0);
  p.world.runFor(5);
  assert.equal(p.wire.length, before);
  assert.equal(p.a.recvError(p.s), 10058);
  assert.equal(p.a.send(p.s, "x"), 1);
  assert.equal(p.a.close(p.s), 0);
});
