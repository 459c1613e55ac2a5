/** DisconnectEx, and the disconnects of sockets at completion ports. */
import assert from "node:assert/strict";
import { TF_DISCONNECT, TF_REUSE_SOCKET } from "../../../host/abi/overlapped.gen.ts";
import { row } from "../registry.ts";
import { SLOW } from "../support/closing.ts";
import { B, connected, hosts, PORT } from "../support/hosts.ts";
import { Overlaps } from "../support/overlapped.ts";

row("D-11", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const port = ov.port(p.s);
  t.code(p.a.code("WSPRecvDisconnect", p.s, 0), p.a.code("WSPSendDisconnect", p.s, 0));
  p.run(100);
  t.own(ov.packet(port));
});

row("D-22", async (t) => {
  const { a } = await hosts(t);
  t.returned(new Overlaps(a).disconnect(a.socket(), 0));
});

row("D-23", async (t) => {
  const { a } = await hosts(t);
  t.returned(new Overlaps(a).disconnect(0xdead, 0));
});

row("D-24", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const mark = p.mark();
  t.returned(ov.disconnect(p.s, 0, 0, 1));
  t.returned(ov.disconnect(p.s, 0, TF_DISCONNECT));
  p.run(100);
  t.wire(p.log, p.since(mark));
});

row("D-25", async (t) => {
  const p = await connected(t, SLOW);
  const ov = new Overlaps(p.a);
  const port = ov.port(p.s);
  const mark = p.mark();
  t.returned(ov.disconnect(p.s, 0));
  p.run(200);
  t.own(ov.packet(port));
  assert.equal(ov.packet(port), "none");
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("D-26", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  ov.disconnect(p.s, 0);
  p.run(100);
  t.result(p.a.send(p.s, "x"), p.a.err);
  p.b.send(p.t, "still");
  p.run(100);
  t.result(p.a.recv(p.s), p.a.err);
  t.code(p.a.connect(p.s, B, PORT));
  assert.equal(p.a.name(p.s, true), `${B}:${PORT}`);
  t.code(p.a.err);
});

row("D-27", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const port = ov.port(p.s);
  const mark = p.mark();
  t.returned(ov.disconnect(p.s, undefined));
  t.returned(ov.disconnect(p.s, undefined));
  p.run(100);
  t.own(ov.packet(port));
  t.wire(p.log, p.since(mark));
});

row("D-28", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const mark = p.mark();
  t.returned(ov.disconnect(p.s, 0, TF_REUSE_SOCKET));
  p.run(1000);
  assert.equal(ov.result(p.s), "none", "the peer's side is open");
  p.b.close(p.t);
  p.run(300_000);
  assert.equal(ov.result(p.s), "completion:0:0");
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
  // The handle is good for another connection, under the name it has.
  assert.equal(ov.connect(p.s, B, PORT, 1, "again"), "0/997");
  p.run(100);
  assert.equal(ov.result(p.s, 1), "completion:0:5");
  assert.equal(p.b.text(p.b.accept(p.listener)), "again");
});
