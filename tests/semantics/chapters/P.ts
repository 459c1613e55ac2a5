/** Where Windows differs from POSIX: the Windows side of each row. */
import assert from "node:assert/strict";
import * as W from "../../../host/abi/winsock.gen.ts";
import type { Check } from "../check.ts";
import { row } from "../registry.ts";
import { B, type Connected, connected, hosts, PORT, portOf } from "../support/hosts.ts";
import { Overlaps } from "../support/overlapped.ts";
import { finByPeer, refused, resetByPeer, stuffed, watch } from "../support/situations.ts";

const { FD_CLOSE, SD_BOTH, SD_RECEIVE, SD_SEND, SO_DONTLINGER, SO_ERROR, SO_LINGER, SO_REUSEADDR, SOL_SOCKET } = W;
const EVERY = [SD_RECEIVE, SD_SEND, SD_BOTH] as const;

/** A blocking close that lingers: its result and how long it took. */
function lingerClose(t: Check, p: Connected): number {
  const start = p.now;
  t.code(p.a.until(() => p.a.close(p.s)));
  return p.now - start;
}

row("P-01", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.setLinger(s, 1, 30));
  const value = a.linger(s);
  t.code(a.err);
  t.fact("SO_LINGER", value);
  t.fact("optlen", a.optlen);
});

row("P-02", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  const off = a.option(s, SO_DONTLINGER);
  t.code(a.err);
  a.setLinger(s, 1, 30);
  const on = a.option(s, SO_DONTLINGER);
  t.code(a.err);
  t.fact("off", off);
  t.fact("on", on);
});

row("P-03", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  // The numbers themselves, not our names for them.
  t.code(a.setOption(s, 0xffff, 0x80, 1 | (7 << 16)));
  const value = a.getOption(s, 0xffff, 0x80);
  t.code(a.err);
  t.fact("SOL_SOCKET", SOL_SOCKET);
  t.fact("SO_LINGER", SO_LINGER);
  t.fact("value", [value & 0xffff, value >>> 16]);
});

row("P-04", async (t) => {
  const p = await stuffed(t);
  p.a.setLinger(p.s, 1, 3);
  const mark = p.mark();
  t.timing(lingerClose(t, p));
  p.run(100);
  t.state(p.wireState("a", p.port));
  t.wire(p.log, p.since(mark));
  const got = p.b.recv(p.t);
  t.peerReceived(got, p.b.err);
  t.peerBytes(got ?? new Uint8Array(0), Uint8Array.from({ length: 20_000 }));
  p.run(300_000);
  t.state(p.wireState("a", p.port));
});

row("P-05", async (t) => {
  const p = await stuffed(t);
  p.a.nonblocking(p.s);
  p.a.setLinger(p.s, 1, 30);
  const [mark, start] = [p.mark(), p.now];
  t.code(p.a.close(p.s));
  t.timing(p.now - start);
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.fact("handle", p.a.name(p.s) === "" ? "dead" : "valid");
});

row("P-06", async (t) => {
  const good = await connected(t);
  good.a.setLinger(good.s, 1, 5);
  lingerClose(t, good);
  const late = await stuffed(t);
  late.a.setLinger(late.s, 1, 1);
  lingerClose(t, late);
  const reset = await stuffed(t);
  reset.a.setLinger(reset.s, 1, 30);
  reset.a.close(reset.s);
  resetByPeer(reset);
  t.code(reset.a.close(reset.s));
});

row("P-07", async (t) => {
  const p = await connected(t);
  const sent = Uint8Array.from({ length: 5000 }, (_, i) => i & 0xff);
  p.a.send(p.s, sent);
  p.a.setLinger(p.s, 1, 30);
  t.timing(lingerClose(t, p));
  t.state(p.wireState("a", p.port));
  t.peerBytes(p.b.drain(p.t).bytes, sent);
});

row("P-08", async (t) => {
  const p = await connected(t);
  p.a.setLinger(p.s, 1, 0);
  const mark = p.mark();
  t.timing(lingerClose(t, p));
  p.run(100);
  t.wire(p.log, p.since(mark));
});

row("P-09", async (t) => {
  const { a } = await hosts(t);
  t.code(a.setLinger(a.socket("udp"), 1, 30));
});

row("P-10", async (t) => {
  const p = await hosts(t);
  const listener = p.b.listener(PORT);
  p.b.setLinger(listener, 1, 555);
  t.fact("accepted", p.b.linger(p.join(listener).t));
});

row("P-12", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "unread");
  p.run(100);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(100);
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("P-13", async (t) => {
  const p = await connected(t);
  p.a.close(p.s);
  p.run(100);
  const mark = p.mark();
  p.b.send(p.t, "late");
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.peerReceived(p.b.recv(p.t), p.b.err);
});

row("P-14", async (t) => {
  const quiet = await connected(t);
  let mark = quiet.mark();
  t.code(quiet.a.shutdown(quiet.s, SD_RECEIVE));
  quiet.run(100);
  t.wire(quiet.log, quiet.since(mark));
  t.result(quiet.a.recv(quiet.s), quiet.a.err);
  mark = quiet.mark();
  quiet.b.send(quiet.t, "late");
  quiet.run(100);
  t.peerReceived(quiet.b.recv(quiet.t), quiet.b.err);
  t.wire(quiet.log, quiet.since(mark));
  const queued = await connected(t);
  queued.b.send(queued.t, "queued");
  queued.run(100);
  mark = queued.mark();
  t.code(queued.a.shutdown(queued.s, SD_RECEIVE));
  queued.run(100);
  t.peerReceived(queued.b.recv(queued.t), queued.b.err);
  t.wire(queued.log, queued.since(mark));
});

row("P-15", async (t) => {
  const p = await connected(t);
  for (let i = 0; i < 2; i++) {
    const mark = p.mark();
    t.code(p.a.shutdown(p.s, SD_SEND));
    p.run(1000);
    t.wire(p.log, p.since(mark));
  }
});

row("P-16", async (t) => {
  const { a } = await hosts(t);
  const listener = a.listener(5000);
  for (const how of EVERY) t.code(a.shutdown(listener, how));
  t.state(a.state(listener));
});

row("P-17", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket("udp");
  t.code(a.shutdown(s, SD_RECEIVE), a.shutdown(s, SD_SEND));
  t.result(a.recvFrom(s) ? 0 : -1, a.err);
  t.code(a.sendTo(s, "x", B, 9));
});

row("P-18", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_SEND);
  t.result(p.a.send(p.s, "x"), p.a.err);
});

row("P-19", async (t) => {
  const p = await connected(t);
  resetByPeer(p);
  for (let i = 0; i < 3; i++) t.result(p.a.recv(p.s), p.a.err);
  t.result(p.a.send(p.s, "x"), p.a.err);
});

row("P-20", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "unread");
  p.run(100);
  resetByPeer(p);
  const unread = p.a.unread(p.s);
  t.result(p.a.recv(p.s), p.a.err);
  t.fact("readable", unread);
});

row("P-21", async (t) => {
  const p = await connected(t);
  p.b.close(p.t);
  p.run(50);
  p.a.send(p.s, "late");
  p.run(100);
  t.result(p.a.recv(p.s), p.a.err);
});

row("P-22", async (t) => {
  const p = await hosts(t);
  const s = refused(p);
  t.fact("first", p.a.getOption(s, SOL_SOCKET, SO_ERROR));
  t.fact("second", p.a.getOption(s, SOL_SOCKET, SO_ERROR));
  const q = await connected(t);
  resetByPeer(q);
  t.fact("reset", q.a.getOption(q.s, SOL_SOCKET, SO_ERROR));
});

row("P-24", async (t) => {
  const p = await connected(t);
  const listener = p.a.listener(5000);
  p.a.as(1).accept(listener);
  let start = p.now;
  p.a.as(0).close(listener);
  t.result(p.a.as(1).until(() => p.a.accept(listener)), p.a.err);
  t.timing(p.now - start);
  const [s, other] = [p.s, p.a.as(0).socket()];
  p.a.as(2).poll({ read: [s] }, null);
  start = p.now;
  p.a.as(3).recv(s);
  p.a.as(0).close(s);
  t.result(p.a.as(2).until(() => p.a.poll({ read: [s] }, null)).n, p.a.err);
  t.timing(p.now - start);
  t.result(p.a.as(3).until(() => p.a.recv(s)), p.a.err);
  t.timing(p.now - start);
  p.a.as(0).close(other);
});

row("P-25", async (t) => {
  const p = await connected(t);
  const twin = p.a.duplicate(p.s);
  for (const s of [p.s, twin]) {
    const mark = p.mark();
    t.code(p.a.close(s));
    p.run(100);
    t.wire(p.log, p.since(mark));
  }
});

row("P-26", async (t) => {
  const p = await connected(t, { link: { delayMs: 50 } });
  p.a.nonblocking(p.s);
  t.result(p.a.send(p.s, 1_000_000), p.a.err);
  t.result(p.a.send(p.s, 30_000), p.a.err);
});

row("P-27", async (t) => {
  const p = await connected(t);
  const port = portOf(p.a, p.s);
  p.a.shutdown(p.s, SD_SEND);
  p.run(50);
  finByPeer(p);
  p.a.recv(p.s);
  p.a.close(p.s);
  const s = p.a.socket();
  t.code(p.a.bind(s, "0.0.0.0", port), p.a.listen(s));
});

row("P-28", async (t) => {
  const { a } = await hosts(t);
  const pair = [a.socket(), a.socket()];
  for (const s of pair) a.setOption(s, SOL_SOCKET, SO_REUSEADDR, 1);
  for (const s of pair) t.code(a.bind(s, "0.0.0.0", 5000), a.listen(s));
});

row("P-29", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_SEND);
  p.run(50);
  finByPeer(p);
  p.a.recv(p.s);
  const start = p.now;
  while (p.a.state(p.s) === "TIME_WAIT" && p.now - start < 400_000) p.run(10);
  // The second FIN came up to 100 ms before the first look.
  t.timing(p.now - start + 100);
});

row("P-30", async (t) => {
  const p = await connected(t);
  const start = p.now;
  p.a.close(p.s);
  const report = p.a.report(p.s);
  t.timing(p.now - start);
  t.fact("outcome", report.outcome);
});

row("P-31", async (t) => {
  const p = await connected(t);
  finByPeer(p);
  t.fact("POLLIN", p.a.wsaPoll([[p.s, W.POLLIN]]).revents[0] as string);
  p.a.shutdown(p.s, SD_SEND);
  p.run(50);
  t.fact("both", p.a.wsaPoll([[p.s, W.POLLIN]]).revents[0] as string);
});

row("P-32", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_CLOSE);
  resetByPeer(p);
  p.a.enumerate(p.s, event);
  t.fact("revents", p.a.wsaPoll([[p.s, W.POLLIN | W.POLLWRNORM]]).revents[0] as string);
  const { read, write, except } = p.a.poll({ read: [p.s], write: [p.s], except: [p.s] });
  t.fact("sets", [read.length ? "read" : "", write.length ? "write" : "", except.length ? "except" : ""].filter(Boolean).join("+"));
});

row("P-23", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  assert.equal(ov.recv(p.s), 997);
  p.a.close(p.s);
  t.own(ov.record());
});
