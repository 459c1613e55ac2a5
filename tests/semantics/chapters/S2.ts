/** shutdown with overlapped operations pending. */
import assert from "node:assert/strict";
import { SD_RECEIVE, SD_SEND } from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { connected } from "../support/hosts.ts";
import { Overlaps } from "../support/overlapped.ts";
import { backlog, finByPeer } from "../support/situations.ts";

row("S-14", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  assert.equal(ov.recv(p.s), 997);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_RECEIVE), ov.recv(p.s, 1));
  p.b.send(p.t, "bytes");
  p.run(100);
  t.own(ov.result(p.s));
  assert.equal(ov.text(0, 5), "bytes");
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-15", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  assert.equal(ov.recv(p.s), 997);
  assert.equal(p.a.shutdown(p.s, SD_RECEIVE), 0);
  const mark = p.mark();
  finByPeer(p);
  t.own(ov.result(p.s));
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-33", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const port = ov.port(p.s);
  t.code(p.a.shutdown(p.s, SD_SEND));
  p.run(100);
  t.own(ov.packet(port));
});

row("S-34", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.b);
  assert.equal(ov.recv(p.t), 997);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_SEND));
  p.run(100);
  t.peer(ov.result(p.t));
  t.wire(p.log, p.since(mark));
});

row("S-35", async (t) => {
  const { p, amount } = await backlog(t);
  const ov = new Overlaps(p.a);
  const port = ov.port(p.s);
  for (const [k, text] of ["first", "after"].entries()) assert.equal(ov.send(p.s, k, text), 997);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_SEND));
  const { bytes } = p.b.drain(p.t, amount + "firstafter".length);
  assert.equal(new TextDecoder().decode(bytes.subarray(amount)), "firstafter");
  assert.ok(p.world.runUntil(() => p.finSent("a", p.port), 10_000), "no FIN was sent");
  t.state(p.a.stateNow(p.s));
  for (const k of [0, 1]) {
    t.own(ov.packet(port));
    assert.equal(ov.overlapped, ov.at(k));
  }
  t.wire(p.log, p.since(mark));
});
