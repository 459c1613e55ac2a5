/** POSIX and Linux compared: what the Windows column says must hold here. */
import assert from "node:assert/strict";
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { A, B, connected, hosts, PORT, scriptedConnection } from "../support/hosts.ts";
import { bytesOf } from "../support/provider.ts";
import { finByPeer, probedState, refused, resetByPeer, stuffed, STUFFING } from "../support/situations.ts";

const { POLLIN, POLLWRNORM, SD_BOTH, SD_RECEIVE, SD_SEND, SO_DONTLINGER, SO_ERROR, SO_LINGER, SOL_SOCKET } = W;

row("P-01", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.setBytes(s, SOL_SOCKET, SO_LINGER, [1, 0, 30, 0]));
  const { code, optlen } = a.getBytes(s, SOL_SOCKET, SO_LINGER, 8);
  t.code(code);
  t.fact("SO_LINGER", a.linger(s));
  t.fact("optlen", optlen);
});

row("P-02", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.fact("off", a.option(s, SO_DONTLINGER));
  t.code(a.err, a.setLinger(s, 1, 30));
  t.fact("on", a.option(s, SO_DONTLINGER));
});

row("P-03", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.code("WSPSetSockOpt", s, 0xffff, 0x80, a.poke([1, 0, 7, 0]), 4));
  const value = a.linger(s);
  t.code(a.err);
  t.fact("SOL_SOCKET", SOL_SOCKET);
  t.fact("SO_LINGER", SO_LINGER);
  t.fact("value", value);
});

row("P-04", async (t) => {
  const p = await stuffed(t);
  p.a.setLinger(p.s, 1, 3);
  const [mark, start] = [p.mark(), p.now];
  t.code(p.until(p.a, () => p.a.close(p.s)));
  t.timing(p.now - start);
  p.run(100);
  t.wire(p.log, p.since(mark).filter((s) => s.length === 0));
  t.state(p.wireState("a", p.port));
  p.run(60_000);
  t.state(p.wireState("a", p.port));
  const { bytes, error } = p.b.drain(p.t);
  t.peer(`recv:${error}`);
  t.peerBytes(bytes, bytesOf(STUFFING));
});

row("P-05", async (t) => {
  const p = await stuffed(t);
  p.a.nonblocking(p.s);
  p.a.setLinger(p.s, 1, 3);
  const [mark, start] = [p.mark(), p.now];
  t.code(p.a.close(p.s));
  t.timing(p.now - start);
  t.fact("handle", p.a.state(p.s) === "ESTABLISHED" ? "valid" : "gone");
  p.run(10_000);
  t.wire(p.log, p.since(mark));
});

row("P-06", async (t) => {
  const satisfied = await connected(t);
  satisfied.a.setLinger(satisfied.s, 1, 3);
  t.code(satisfied.until(satisfied.a, () => satisfied.a.close(satisfied.s)));
  const expired = await stuffed(t);
  expired.a.setLinger(expired.s, 1, 3);
  t.code(expired.until(expired.a, () => expired.a.close(expired.s)));
  const reset = await stuffed(t);
  reset.a.setLinger(reset.s, 1, 3);
  reset.a.close(reset.s);
  resetByPeer(reset);
  t.code(reset.until(reset.a, () => reset.a.close(reset.s)));
});

row("P-07", async (t) => {
  const p = await connected(t, { link: { delayMs: 20 } });
  p.a.send(p.s, 5000);
  p.a.setLinger(p.s, 1, 30);
  t.code(p.until(p.a, () => p.a.close(p.s)));
  const fin = p.seen("FIN", "a").at(-1);
  const end = ((fin?.seq ?? 0) + (fin?.length ?? 0) + 1) >>> 0;
  t.timing(p.now - (p.log.segments.find((s) => s.from === "b" && s.ack === end)?.due ?? 0));
  t.state(p.wireState("a", p.port));
  t.peerBytes(p.b.drain(p.t).bytes, bytesOf(5000));
});

row("P-08", async (t) => {
  const p = await connected(t);
  p.a.setLinger(p.s, 1, 0);
  const [mark, start] = [p.mark(), p.now];
  t.code(p.a.close(p.s));
  t.timing(p.now - start);
  p.run(10);
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
  p.run(10);
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
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("P-14", async (t) => {
  const p = await connected(t);
  let mark = p.mark();
  const step = (): void => {
    p.run(100);
    t.wire(p.log, p.since(mark));
    mark = p.mark();
  };
  t.code(p.a.shutdown(p.s, SD_RECEIVE));
  t.result(p.a.recv(p.s), p.a.err);
  step();
  p.b.send(p.t, "later");
  step();
  t.peerReceived(p.b.recv(p.t), p.b.err);
  const { s, t: peer } = p.join(p.listener);
  p.b.send(peer, "queued");
  p.run(100);
  mark = p.mark();
  t.code(p.a.shutdown(s, SD_RECEIVE));
  step();
  t.peerReceived(p.b.recv(peer), p.b.err);
});

row("P-15", async (t) => {
  const p = await connected(t);
  for (let i = 0; i < 2; i++) {
    const mark = p.mark();
    t.code(p.a.shutdown(p.s, SD_SEND));
    p.run(100);
    t.wire(p.log, p.since(mark));
  }
});

row("P-16", async (t) => {
  const { a } = await hosts(t);
  const listener = a.listener(PORT);
  for (const how of [SD_RECEIVE, SD_SEND, SD_BOTH]) t.code(a.shutdown(listener, how));
  t.state(a.state(listener));
});

row("P-17", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket("udp");
  a.bind(s, "0.0.0.0", PORT);
  t.code(a.shutdown(s, SD_SEND), a.shutdown(s, SD_RECEIVE));
  t.code(a.sendTo(s, "x", B, PORT));
  t.result(a.recv(s), a.err);
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
  t.fact("readable", p.a.unread(p.s));
  t.result(p.a.recv(p.s), p.a.err);
});

row("P-21", async (t) => {
  const p = await connected(t);
  p.b.close(p.t);
  p.run(100);
  p.a.send(p.s, "late");
  p.run(100);
  t.result(p.a.recv(p.s), p.a.err);
});

row("P-22", async (t) => {
  const p = await hosts(t);
  const s = refused(p);
  t.fact("first", p.a.option(s, SO_ERROR));
  t.fact("second", p.a.option(s, SO_ERROR));
  const c = await connected(t);
  resetByPeer(c);
  t.fact("reset", c.a.option(c.s, SO_ERROR));
});

row("P-24", async (t) => {
  const p = await connected(t);
  const { b, listener } = p;
  let start = p.now;
  const wakes = (): void => {
    p.run(1);
    t.timing(p.now - start);
    start = p.now;
  };
  b.as(1).accept(listener);
  b.as(2).close(listener);
  wakes();
  t.result(b.as(1).accept(listener), b.err);
  const { t: selected } = p.join();
  start = p.now;
  b.as(1).poll({ read: [selected] }, 60_000);
  b.as(2).close(selected);
  wakes();
  t.result(b.as(1).poll({ read: [selected] }, 60_000).n, b.err);
  b.as(1).recv(p.t);
  start = p.now;
  b.as(2).close(p.t);
  wakes();
  t.result(b.as(1).recv(p.t), b.err);
});

row("P-25", async (t) => {
  const p = await connected(t);
  const twin = p.a.duplicate(p.s);
  for (const s of [p.s, twin]) {
    const mark = p.mark();
    t.code(p.a.close(s));
    p.run(10);
    t.wire(p.log, p.since(mark).filter((one) => one.from === "a"));
  }
});

row("P-26", async (t) => {
  const p = await connected(t);
  p.a.nonblocking(p.s);
  for (let i = 0; i < 2; i++) t.result(p.a.send(p.s, 1_000_000), p.a.err);
});

row("P-27", async (t) => {
  const p = await connected(t);
  p.b.close(p.listener);
  p.b.close(p.t);
  p.run(10);
  p.a.close(p.s);
  p.run(100);
  assert.equal(p.wireState("b", PORT), "TIME_WAIT");
  const s = p.b.socket();
  t.code(p.b.bind(s, "0.0.0.0", PORT), p.b.listen(s));
});

row("P-28", async (t) => {
  const { a } = await hosts(t);
  for (let i = 0; i < 2; i++) {
    const s = a.socket();
    a.setOption(s, SOL_SOCKET, W.SO_REUSEADDR, 1);
    t.code(a.bind(s, A, PORT), a.listen(s));
  }
});

row("P-29", async (t) => {
  const p = await scriptedConnection(t);
  p.a.shutdown(p.s, SD_SEND);
  p.run(10);
  p.peer.take();
  p.peer.send("FIN,ACK");
  const start = p.now;
  p.run(10);
  assert.equal(p.a.state(p.s), "TIME_WAIT");
  p.world.runUntil(() => p.a.stateNow(p.s) === "CLOSED", 400_000);
  t.timing(p.now - start);
  assert.equal(probedState(p), "CLOSED");
});

row("P-30", async (t) => {
  const p = await connected(t);
  p.a.close(p.s);
  const report = p.a.report(p.s);
  t.timing(report.durationMs);
  t.fact("outcome", report.outcome);
});

row("P-31", async (t) => {
  const p = await connected(t);
  finByPeer(p);
  t.fact("POLLIN", p.a.wsaPoll([[p.s, POLLIN]]).revents[0] as string);
  p.a.shutdown(p.s, SD_SEND);
  p.run(100);
  t.fact("both", p.a.wsaPoll([[p.s, POLLIN]]).revents[0] as string);
});

row("P-32", async (t) => {
  const p = await connected(t);
  resetByPeer(p);
  t.fact("revents", p.a.wsaPoll([[p.s, POLLIN | POLLWRNORM]]).revents[0] as string);
  const { read, write, except } = p.a.poll({ read: [p.s], write: [p.s], except: [p.s] });
  t.fact("sets", [...read.map(() => "read"), ...write.map(() => "write"), ...except.map(() => "except")].join("+"));
});
