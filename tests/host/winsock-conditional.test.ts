/** SO_CONDITIONAL_ACCEPT: who is asked before the SYN is answered, and what becomes of the answer (O-21, O-23, W-29). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_CONDITION, LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { CF_ACCEPT, CF_DEFER, CF_REJECT, FD_ACCEPT, SO_CONDITIONAL_ACCEPT, SOL_SOCKET } from "../../host/abi/winsock.gen.ts";
import { B, type Pair, PORT, pair } from "./support/pair.ts";

/** A client of a that has sent its SYN to a conditional listener of b. */
async function asking(): Promise<Pair & { s: number; listener: number; event: number }> {
  const p = await pair();
  const listener = p.b.socket();
  p.b.setOption(listener, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 1);
  p.b.bind(listener, "0.0.0.0", PORT);
  p.b.listen(listener);
  const event = p.b.event();
  p.b.select(listener, event, FD_ACCEPT);
  const s = p.a.socket();
  assert.equal(p.a.connect(s, B, PORT), LASTACK_WAIT);
  p.world.runFor(100);
  return Object.assign(p, { s, listener, event });
}

function answer(p: Pair, listener: number, decision: number): number {
  p.b.accept(listener, 1);
  assert.equal(p.b.err, LASTACK_CONDITION);
  p.b.raw("acceptDecide", listener, decision);
  return p.b.accept(listener, 1);
}

test("the SYN announces itself and is not answered, however often it is repeated", async () => {
  const p = await asking();
  assert.deepEqual(p.b.enumerate(p.listener, p.event), { FD_ACCEPT: 0 });
  p.world.runFor(8000);
  assert.ok(p.seen("SYN", "a").length > 2);
  assert.equal(p.wire.filter((s) => s.from === "b").length, 0);
  assert.equal(p.a.state(p.s), "SYN_SENT");
});

test("CF_ACCEPT: SYN,ACK, and both ends talk; what was sent before the handshake ended arrives", async () => {
  const p = await asking();
  const t = answer(p, p.listener, CF_ACCEPT);
  assert.equal(p.b.err, 0);
  assert.equal(p.b.state(t), "SYN_RCVD");
  p.b.nonblocking(t, false);
  assert.equal(p.b.send(t, "early"), 5);
  assert.equal(p.a.until(() => p.a.connect(p.s, B, PORT)), 0);
  p.world.runFor(100);
  assert.equal(p.b.state(t), "ESTABLISHED");
  assert.equal(p.a.text(p.s), "early");
  p.a.send(p.s, "late");
  p.world.runFor(100);
  assert.equal(p.b.text(t), "late");
  p.a.close(p.s);
  p.b.close(t);
  assert.deepEqual([p.a.report(p.s).outcome, p.b.report(t).outcome], ["graceful", "graceful"]);
});

test("CF_REJECT: one RST, and the client is refused without having been connected", async () => {
  const p = await asking();
  answer(p, p.listener, CF_REJECT);
  assert.equal(p.b.err, 10061);
  assert.equal(p.a.until(() => p.a.connect(p.s, B, PORT)), 10061);
  assert.deepEqual(p.wire.filter((s) => s.from === "b").map((s) => s.flags), ["RST,ACK"]);
});

test("CF_DEFER leaves the SYN waiting for the next accept", async () => {
  const p = await asking();
  answer(p, p.listener, CF_DEFER);
  assert.equal(p.b.err, 11002);
  const t = p.b.accept(p.listener);
  assert.equal(p.b.err, 0);
  assert.equal(p.a.until(() => p.a.connect(p.s, B, PORT)), 0);
  p.world.runFor(100);
  assert.equal(p.b.state(t), "ESTABLISHED");
});

test("a client that gives up takes its SYN with it; one that was accepted and never answers fails", async () => {
  const p = await asking();
  p.link.a.close();
  p.world.runFor(100_000);
  assert.equal(p.b.core.stats().tcpCurrent, 1, "the listener alone");
  p.b.accept(p.listener);
  assert.notEqual(p.b.err, 0, "nothing is left to accept");
  const q = await asking();
  q.link.a.close();
  const t = q.b.accept(q.listener);
  assert.equal(q.b.err, 0);
  q.world.runFor(200_000);
  assert.equal(q.b.state(t), "CLOSED");
  assert.equal(q.b.close(t), 0);
});

test("closing the listener resets what waits for its decision", async () => {
  const p = await asking();
  p.b.close(p.listener);
  assert.equal(p.a.until(() => p.a.connect(p.s, B, PORT)), 10061);
  assert.deepEqual(p.wire.filter((s) => s.from === "b").map((s) => s.flags), ["RST,ACK"]);
});
