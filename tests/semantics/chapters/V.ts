/** The switches: every reading that the core offers, and the defaults of the questions that have one answer here. */
import assert from "node:assert/strict";
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { reissue } from "../support/calls.ts";
import { connected, hosts, PORT, scriptedConnection } from "../support/hosts.ts";
import { Overlaps } from "../support/overlapped.ts";
import { bytesOf } from "../support/provider.ts";
import { finByPeer, probedState, refused, resetByPeer, stuffed, watch } from "../support/situations.ts";

const { FD_CLOSE, FD_READ, FD_WRITE, SD_RECEIVE, SD_SEND, SO_DONTLINGER, SO_ERROR, SOL_SOCKET } = W;

row("V-01", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_CLOSE);
  resetByPeer(p);
  t.own(p.a.enumerate(p.s, event));
});

row("V-02", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ | FD_CLOSE);
  p.b.send(p.t, "last words");
  finByPeer(p);
  t.own(p.a.enumerate(p.s, event));
  p.a.recv(p.s);
  t.own(p.a.enumerate(p.s, event));
});

row("V-03", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ);
  p.b.send(p.t, "unread");
  p.run(100);
  t.own(p.a.enumerate(p.s, event));
  p.a.select(p.s, event, FD_READ);
  t.own(p.a.enumerate(p.s, event));
});

row("V-04", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ);
  p.b.send(p.t, "first");
  p.run(100);
  t.own(p.a.enumerate(p.s, event));
  p.b.send(p.t, "second");
  p.run(100);
  t.own(p.a.enumerate(p.s, event));
});

row("V-06", async (t) => {
  const p = await connected(t);
  p.b.close(p.t);
  p.run(100);
  p.a.send(p.s, "late");
  p.run(100);
  t.result(p.a.recv(p.s), p.a.err);
});

row("V-07", async (t) => {
  const p = await connected(t);
  p.a.nonblocking(p.s);
  p.a.setLinger(p.s, 1, 5);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(10);
  t.wire(p.log, p.since(mark));
});

row("V-08", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "unread");
  p.run(100);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(10);
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("V-10", async (t) => {
  const p = await connected(t);
  // Data unread or arriving later; the entry points are shutdown, as a function or of the SPI, and the receiving disconnect.
  for (const [entry, before] of [["shutdown", true], ["disconnect", true], ["shutdown", false]] as const) {
    const { s, t: peer } = p.join(p.listener);
    if (before) p.b.send(peer, "unread");
    p.run(100);
    const mark = p.mark();
    t.code(entry === "shutdown" ? p.a.shutdown(s, SD_RECEIVE) : p.a.code("WSPRecvDisconnect", s, 0));
    if (!before) p.b.send(peer, "late");
    p.run(100);
    t.wire(p.log, p.since(mark));
  }
});

row("V-11", async (t) => {
  const p = await connected(t, { link: { delayMs: 20 } });
  const mark = p.mark();
  p.a.send(p.s, 1000);
  p.a.shutdown(p.s, SD_SEND);
  p.run(1);
  t.fact("acknowledged", p.since(mark).some((s) => s.from === "b"));
  t.wire(p.log, p.since(mark));
});

row("V-12", async (t) => {
  const p = await hosts(t);
  const s = refused(p);
  t.fact("first", p.a.option(s, SO_ERROR));
  t.fact("second", p.a.option(s, SO_ERROR));
});

row("V-13", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  const set = (name: string, value: number): void => {
    t.code(a.setOption(s, SOL_SOCKET, SO_DONTLINGER, value));
    t.fact(name, a.linger(s)[0] ? "on" : "off");
  };
  a.setLinger(s, 1, 30);
  set("nonzero", 1);
  a.setLinger(s, 1, 30);
  set("zero", 0);
});

row("V-14", async (t) => {
  const p = await connected(t, { link: { delayMs: 20 } });
  p.a.setLinger(p.s, 1, 5);
  p.a.shutdown(p.s, SD_SEND);
  const first = p.a.close(p.s);
  t.code(first);
  if (first) t.code(p.until(p.a, () => p.a.close(p.s)));
});

row("V-15", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "unread");
  p.run(100);
  resetByPeer(p);
  const data = p.a.recv(p.s);
  t.result(data, p.a.err);
  if (data) t.result(p.a.recv(p.s), p.a.err);
});

row("V-16", async (t) => {
  const p = await scriptedConnection(t);
  p.a.setLinger(p.s, 1, 0);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(10);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port), probedState(p));
});

row("V-17", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_SEND);
  p.run(100);
  finByPeer(p);
  assert.equal(p.a.state(p.s), "TIME_WAIT");
  const began = p.seen("FIN", "b").at(-1)?.due ?? 0;
  assert.ok(p.world.runUntil(() => p.a.stateNow(p.s) === "CLOSED", 400_000));
  t.timing(p.now - began);
});

row("V-18", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_SEND);
  p.run(t.reading === "A" ? 86_400_000 : 300_200);
  const data = p.a.recv(p.s);
  t.result(data, p.a.err);
  if (t.reading === "B") t.result(p.a.poll({ read: [p.s] }).n, p.a.err);
  t.state(p.a.state(p.s));
});

row("V-19", async (t) => {
  const { a } = await hosts(t);
  const { code, reissued } = reissue(a);
  t.code(code);
  t.fact("reissued", reissued);
});

row("V-20", async (t) => {
  const p = await stuffed(t);
  p.a.nonblocking(p.s);
  p.a.setLinger(p.s, 1, 30);
  t.code(p.a.close(p.s), p.a.setOption(p.s, SOL_SOCKET, SO_DONTLINGER, 1));
  t.fact("onoff", p.a.linger(p.s)[0]);
  t.code(p.a.close(p.s));
});

row("V-21", async (t) => {
  const p = await connected(t, { link: { delayMs: 20 } });
  p.a.send(p.s, 5000);
  p.a.setLinger(p.s, 1, 30);
  t.code(p.until(p.a, () => p.a.close(p.s)));
  // The call has returned: the peer's program has neither read nor closed anything, its stack has acknowledged the FIN.
  t.fact("acknowledged", p.finAcknowledged("a", p.port) ? "FIN" : "nothing");
  t.fact("peer", p.finSent("b", PORT) ? "closed" : "open");
  t.state(p.wireState("a", p.port));
  t.peerBytes(p.b.drain(p.t).bytes, bytesOf(5000));
});

row("V-22", async (t) => {
  const p = await connected(t);
  t.code(p.a.code("WSPRecvDisconnect", p.s, p.a.scratch));
  p.run(10);
  t.state(p.a.state(p.s));
});

row("V-24", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_WRITE);
  p.a.send(p.s, "x");
  t.own(p.a.enumerate(p.s, event));
});

row("V-25", async (t) => {
  const p = await connected(t);
  p.a.nonblocking(p.s);
  t.result(p.a.send(p.s, 1_000_000), p.a.err);
  t.result(p.a.send(p.s, 1_000_000), p.a.err);
  t.peerBytes(p.b.drain(p.t, 1_000_000).bytes, bytesOf(1_000_000));
});

row("V-26", async (t) => {
  const p = await connected(t);
  for (const nonblocking of [false, true]) {
    const { s, t: peer } = p.join(p.listener);
    p.a.nonblocking(s, nonblocking);
    p.a.setLinger(s, 1, 30);
    p.b.send(peer, "unread");
    p.run(100);
    const [mark, start] = [p.mark(), p.now];
    t.code(p.a.close(s));
    t.timing(p.now - start);
    p.run(10);
    t.wire(p.log, p.since(mark));
  }
});

row("V-05", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  assert.equal(ov.recv(p.s), 997);
  p.a.close(p.s);
  t.own(ov.record());
});

row("V-09", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  assert.equal(ov.recv(p.s), 997);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(100);
  t.wire(p.log, p.since(mark));
});

row("V-23", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  for (let i = 0; i < 2; i++) t.returned(ov.disconnect(p.s, undefined));
});
