/** Durations, in virtual milliseconds. T-20 to T-33. */
import assert from "node:assert/strict";
import { LASTACK_WAIT } from "../../../host/abi/errors.gen.ts";
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { flushed, inState, lingered, lingering, SLOW, stuffedLinger } from "../support/closing.ts";
import { A, B, type Connected, connected, hosts, PORT, scriptedConnection } from "../support/hosts.ts";
import { probedState, stuffed, watch } from "../support/situations.ts";

const { FD_CLOSE, FD_CONNECT, FD_READ, SD_BOTH, SD_RECEIVE, SD_SEND, SO_RCVTIMEO, SOL_SOCKET } = W;
const DAY = 86_400_000;

row("T-20", async (t) => {
  for (const [on, seconds] of [[0, 0], [0, 30], [1, 0]] as const) {
    const p = await stuffed(t);
    p.a.setLinger(p.s, on, seconds);
    const start = p.now;
    t.code(p.a.close(p.s));
    t.timing(p.now - start);
  }
});

row("T-21", async (t) => {
  for (const nonblocking of [false, true]) {
    for (const call of [
      (p: Connected) => p.a.shutdown(p.s, SD_RECEIVE), (p: Connected) => p.a.shutdown(p.s, SD_SEND), (p: Connected) => p.a.shutdown(p.s, SD_BOTH),
      (p: Connected) => p.a.code("WSPSendDisconnect", p.s, 0), (p: Connected) => p.a.code("WSPRecvDisconnect", p.s, 0),
    ]) {
      const p = await stuffedLinger(t, 30);
      p.a.nonblocking(p.s, nonblocking);
      const start = p.now;
      t.code(call(p));
      t.timing(p.now - start);
    }
  }
});

row("T-22", async (t) => {
  const { code, late } = await flushed(t);
  assert.equal(code, 0);
  t.timing(late);
});

row("T-23", async (t) => {
  const p = await lingering(t, 3);
  assert.equal(lingered(p), 0);
  t.timing(p.now - p.start);
});

row("T-24", async (t) => {
  for (const before of [(p: Connected) => p.a.shutdown(p.s, SD_SEND), (p: Connected) => p.a.setLinger(p.s, 1, 3)]) {
    const p = await stuffedLinger(t, 3);
    assert.equal(before(p), 0);
    p.run(2000);
    const start = p.now;
    assert.equal(lingered(p), 0);
    t.timing(p.now - start);
  }
});

row("T-25", async (t) => {
  const p = await stuffedLinger(t, 30);
  p.a.nonblocking(p.s);
  for (let i = 0; i < 2; i++) {
    const start = p.now;
    t.code(p.a.close(p.s));
    t.timing(p.now - start);
  }
});

row("T-26", async (t) => {
  const p = await scriptedConnection(t);
  const start = p.now;
  assert.equal(p.a.close(p.s), 0);
  p.run(10);
  assert.equal(p.wireState("a", p.port), "FIN_WAIT_1");
  assert.ok(p.world.runUntil(() => p.a.core.exports.orphans() === 0, 600_000), "the connection is never given up");
  t.timing(p.now - start);
  t.state(probedState(p));
});

row("T-27", async (t) => {
  for (const again of [false, true]) {
    const p = await inState(t, "TIME_WAIT");
    if (again) {
      p.run(100_000);
      p.peer.send("FIN,ACK", { seq: p.peer.sndNxt - 1 });
    }
    const began = p.seen("FIN", "b").at(-1)?.due ?? 0;
    assert.ok(p.world.runUntil(() => p.a.stateNow(p.s) !== "TIME_WAIT", 400_000), "TIME_WAIT does not end");
    t.timing(p.now - began);
    if (!again) t.state(p.a.state(p.s));
  }
});

row("T-28", async (t) => {
  for (const seconds of [0, 3]) {
    const p = await stuffedLinger(t, seconds);
    assert.equal(lingered(p), 0);
    const s = p.a.socket();
    t.code(p.a.bind(s, "0.0.0.0", p.port));
    t.code(p.until(p.a, () => p.a.connect(s, B, PORT)));
    assert.equal(p.a.name(s), `${A}:${p.port}`);
  }
});

row("T-29", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_SEND);
  p.run(100);
  assert.equal(p.a.state(p.s), "FIN_WAIT_2");
  if (t.reading === "B") {
    p.run(299_000);
    assert.equal(p.a.state(p.s), "FIN_WAIT_2");
  }
  p.run(t.reading === "B" ? 1100 : DAY);
  t.state(p.a.state(p.s));
});

row("T-30", async (t) => {
  for (const [onListener, call] of [
    [true, (p: Connected, s: number) => p.a.accept(s)],
    [false, (p: Connected, s: number) => p.a.recv(s)],
    [false, (p: Connected, s: number) => p.a.poll({ read: [s] }, null)],
  ] as const) {
    const p = await connected(t);
    const s = onListener ? p.a.listener(PORT) : p.s;
    p.a.as(2);
    call(p, s);
    assert.equal(p.a.err, LASTACK_WAIT);
    p.run(5000);
    const start = p.now;
    assert.equal(p.a.as(1).close(s), 0);
    // Woken, not asked again.
    assert.ok(p.world.runUntil(() => p.a.wakes.some(({ caller }) => caller === 2), 10_000), "nothing wakes the call");
    p.a.as(2);
    call(p, s);
    assert.notEqual(p.a.err, LASTACK_WAIT);
    t.timing(p.now - start);
  }
});

row("T-31", async (t) => {
  for (const unread of [false, true]) {
    const p = await connected(t, SLOW);
    const event = watch(p.a, p.s, FD_READ | FD_CLOSE);
    if (unread) p.b.send(p.t, "last words");
    p.run(100);
    p.a.enumerate(p.s, event);
    p.a.signaled.length = 0;
    p.b.shutdown(p.t, SD_SEND);
    let since = 0;
    if (unread) {
      p.run(1000);
      assert.ok(!p.a.isSet(event), "FD_CLOSE before the last read");
      since = p.now;
      assert.equal(p.a.text(p.s), "last words");
    }
    assert.ok(p.world.runUntil(() => p.a.signaled.includes(event), 10_000), "FD_CLOSE never comes");
    assert.deepEqual(p.a.enumerate(p.s, event), { FD_CLOSE: 0 });
    t.timing(p.now - (since || (p.seen("FIN", "b").at(-1)?.due ?? 0)));
  }
});

row("T-32", async (t) => {
  const { a, world } = await hosts(t);
  const s = a.socket();
  const event = watch(a, s, FD_CONNECT);
  const start = world.nowMs;
  assert.equal(a.connect(s, "127.0.0.1", PORT), 10035);
  assert.ok(world.runUntil(() => a.signaled.includes(event), 10_000), "the refusal never comes");
  t.timing(world.nowMs - start);
  t.own(a.enumerate(s, event));
});

row("T-33", async (t) => {
  const p = await connected(t);
  assert.equal(p.a.setOption(p.s, SOL_SOCKET, SO_RCVTIMEO, 100), 0);
  for (let i = 0; i < 2; i++) {
    p.run(30);
    const start = p.now;
    t.result(p.until(p.a, () => p.a.recv(p.s)), p.a.err);
    t.timing(p.now - start);
  }
});
