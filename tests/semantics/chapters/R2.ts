/** The receive side: overlapped receives. */
import assert from "node:assert/strict";
import { row } from "../registry.ts";
import { connected, hosts, PORT } from "../support/hosts.ts";
import { Overlaps } from "../support/overlapped.ts";
import { callIn, finByPeer, resetByPeer } from "../support/situations.ts";

const UNTOUCHED = 0x5a5a5a5a;

row("R-11", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const port = ov.port(p.s);
  assert.equal(ov.recv(p.s), 997);
  finByPeer(p);
  t.own(ov.packet(port));
  t.state(p.a.state(p.s));
});

row("R-12", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const port = ov.port(p.s);
  assert.equal(ov.recv(p.s), 997);
  resetByPeer(p);
  t.own(ov.packet(port));
  t.own(ov.packet(port));
  ov.result(p.s);
  t.fact("WSAGetOverlappedResult", p.a.err);
  t.state(p.a.state(p.s));
});

row("R-13", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const port = ov.port(p.s);
  finByPeer(p);
  t.code(ov.recv(p.s));
  assert.equal(ov.count, 0);
  t.own(ov.packet(port));
  assert.equal(ov.packet(port), "none");
});

row("R-14", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const port = ov.port(p.s);
  resetByPeer(p);
  ov.count = UNTOUCHED;
  t.code(ov.recv(p.s));
  t.fact("count", ov.count === UNTOUCHED ? "untouched" : ov.count);
  t.own(ov.packet(port));
});

row("R-21", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  t.code(ov.recv(p.s, 0, 0));
  p.b.send(p.t, "bytes");
  p.run(100);
  t.own(ov.result(p.s));
  t.fact("unread", p.a.unread(p.s));
});

row("R-35", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const port = ov.port(p.s);
  assert.equal(ov.recv(p.s, 0), 997);
  assert.equal(ov.recv(p.s, 1), 997);
  resetByPeer(p);
  // In the order of asking.
  for (const k of [0, 1]) {
    assert.equal(ov.packet(port), "completion:64:0");
    assert.equal(ov.overlapped, ov.at(k));
    t.own(ov.result(p.s, k));
  }
  t.state(p.a.state(p.s));
});

row("R-36", async (t) => {
  const p = await hosts(t);
  const ov = new Overlaps(p.a);
  const listener = p.a.listener(PORT);
  const acceptor = p.a.socket();
  const port = ov.port(listener);
  assert.equal(ov.accept(listener, acceptor, 0, 100), "0/997");
  const s = callIn(p);
  p.run(100);
  assert.equal(ov.packet(port), "none");
  p.b.close(s);
  p.run(100);
  t.own(ov.packet(port));
  t.state(p.a.state(acceptor));
});
