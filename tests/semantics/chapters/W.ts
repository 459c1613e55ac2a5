/** What must and must not be on the wire. */
import assert from "node:assert/strict";
import { LASTACK_CONDITION } from "../../../host/abi/errors.gen.ts";
import * as W from "../../../host/abi/winsock.gen.ts";
import type { Check } from "../check.ts";
import { row } from "../registry.ts";
import { callers, closeRefused, inState, lingered, SLOW, stuffedLinger } from "../support/closing.ts";
import { A, B, type Connected, connected, hosts, PORT, scripted, type Scripted, scriptedConnection } from "../support/hosts.ts";
import { accept, decide, finByPeer, stuffed } from "../support/situations.ts";

const { SD_BOTH, SD_RECEIVE, SD_SEND, SO_CONDITIONAL_ACCEPT, SOL_SOCKET } = W;
/** Long enough for anything that would be repeated. */
const LONG = 20_000;

/** Closes hard, in whatever state the socket is, and reports what comes of it. */
function hardClose(t: Check, p: Scripted & { s: number }): void {
  assert.equal(p.a.setLinger(p.s, 1, 0), 0);
  const mark = p.mark();
  assert.equal(p.a.close(p.s), 0);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
}

row("W-01", async (t) => {
  const p = await connected(t);
  const mark = p.mark();
  p.a.send(p.s, "hello");
  p.a.shutdown(p.s, SD_SEND);
  p.run(100);
  p.b.send(p.t, "bye");
  p.run(100);
  p.b.shutdown(p.t, SD_SEND);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-02", async (t) => {
  const p = await connected(t);
  const mark = p.mark();
  p.a.send(p.s, "hello");
  p.a.shutdown(p.s, SD_SEND);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-03", async (t) => {
  const p = await stuffed(t);
  const mark = p.mark();
  p.a.shutdown(p.s, SD_SEND);
  p.run(5000);
  assert.ok(p.b.drain(p.t).end);
  p.run(100);
  t.wire(p.log, p.since(mark));
});

row("W-04", async (t) => {
  const p = await connected(t);
  const mark = p.mark();
  p.far.open = false;
  p.a.shutdown(p.s, SD_SEND);
  p.run(50);
  p.far.open = true;
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-05", async (t) => {
  const p = await connected(t);
  for (const again of [() => p.a.shutdown(p.s, SD_SEND), () => p.a.close(p.s)]) {
    p.a.shutdown(p.s, SD_SEND);
    p.run(100);
    const mark = p.mark();
    assert.equal(again(), 0);
    p.run(LONG);
    t.wire(p.log, p.since(mark));
  }
});

row("W-06", async (t) => hardClose(t, await scriptedConnection(t)));

row("W-07", async (t) => {
  const p = await stuffedLinger(t, 0);
  const mark = p.mark();
  p.a.close(p.s);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-08", async (t) => {
  for (const state of ["FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT"]) hardClose(t, await inState(t, state));
});

row("W-09", async (t) => {
  for (const state of ["CLOSING", "LAST_ACK", "TIME_WAIT"]) hardClose(t, await inState(t, state));
  const listening = await scripted(t);
  hardClose(t, Object.assign(listening, { s: listening.a.listener(PORT) }));
  const connecting = await scripted(t);
  const s = connecting.a.socket();
  connecting.a.nonblocking(s);
  assert.equal(connecting.a.connect(s, B, PORT), 10035);
  connecting.run(10);
  assert.equal(connecting.a.state(s), "SYN_SENT");
  hardClose(t, Object.assign(connecting, { s }));
});

row("W-10", async (t) => {
  const p = await stuffedLinger(t, 3);
  const [mark, start] = [p.mark(), p.now];
  assert.equal(lingered(p), 0);
  p.run(LONG);
  t.timing((p.seen("RST", "a", mark)[0]?.at ?? 0) - start);
  t.wire(p.log, p.since(mark));
});

row("W-11", async (t) => {
  const p = await connected(t, SLOW);
  p.a.setLinger(p.s, 1, 30);
  const mark = p.mark();
  assert.notEqual(p.a.close(p.s), 0);
  p.run(0);
  // It is not held back until the wait is over.
  t.wire(p.log, p.since(mark));
  assert.equal(lingered(p), 0);
  p.run(LONG);
  assert.equal(p.since(mark).filter((s) => s.from === "a").length, 1, "something followed the FIN");
});

row("W-12", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "unread");
  p.run(100);
  const [mark, start] = [p.mark(), p.now];
  p.a.close(p.s);
  p.run(LONG);
  t.timing((p.seen("RST", "a", mark)[0]?.at ?? 0) - start);
  t.wire(p.log, p.since(mark));
});

row("W-13", async (t) => {
  const p = await connected(t);
  p.a.close(p.s);
  p.run(100);
  const mark = p.mark();
  p.b.send(p.t, "late");
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-14", async (t) => {
  const p = await scriptedConnection(t);
  p.a.close(p.s);
  p.run(10);
  let mark = p.mark();
  p.peer.acknowledge();
  p.run(1000);
  p.peer.send("ACK");
  p.run(1000);
  t.wire(p.log, p.since(mark));
  mark = p.mark();
  p.peer.send("FIN,ACK");
  p.run(1000);
  t.wire(p.log, p.since(mark));
});

row("W-15", async (t) => {
  const p = await connected(t);
  const mark = p.mark();
  p.a.shutdown(p.s, SD_RECEIVE);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-16", async (t) => {
  for (const when of ["before", "after"]) {
    const p = await connected(t);
    if (when === "before") p.b.send(p.t, "unread");
    p.run(100);
    const mark = p.mark();
    p.a.shutdown(p.s, SD_RECEIVE);
    if (when === "after") p.b.send(p.t, "late");
    p.run(LONG);
    t.wire(p.log, p.since(mark));
  }
});

row("W-17", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_RECEIVE);
  const mark = p.mark();
  p.b.shutdown(p.t, SD_SEND);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-18", async (t) => {
  const p = await closeRefused(t);
  // Probes into the closed window come less often than this.
  const mark = p.mark();
  assert.equal(p.a.close(p.s), 10035);
  p.run(50);
  t.wire(p.log, p.since(mark));
});

row("W-19", async (t) => {
  const p = await connected(t);
  p.a.duplicate(p.s);
  const mark = p.mark();
  assert.equal(p.a.close(p.s), 0);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-20", async (t) => {
  const p = await connected(t);
  const mark = p.mark();
  p.b.shutdown(p.t, SD_SEND);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-21", async (t) => {
  const p = await inState(t, "TIME_WAIT");
  p.run(200_000);
  const mark = p.mark();
  p.peer.send("FIN,ACK", { seq: p.peer.sndNxt - 1 });
  p.run(200_000);
  t.state(p.a.state(p.s));
  p.run(40_100);
  t.state(p.a.state(p.s));
  t.wire(p.log, p.since(mark));
});

/** What the arrival of a RST does: `beyond` = its distance from RCV.NXT. */
function resetArrives(t: Check, p: Scripted & { s: number }, beyond: number): void {
  const mark = p.mark();
  p.peer.send("RST", { seq: p.peer.sndNxt + beyond });
  p.run(LONG);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
}

row("W-22", async (t) => resetArrives(t, await scriptedConnection(t), 0));

row("W-23", async (t) => resetArrives(t, await scriptedConnection(t), 100));

row("W-24", async (t) => {
  const p = await scriptedConnection(t);
  p.peer.send("RST", { seq: p.peer.sndNxt - 1 });
  resetArrives(t, p, 100_000_000);
});

row("W-25", async (t) => resetArrives(t, await inState(t, "TIME_WAIT"), 0));

/** Segments to a port of a where nothing is; one capture each. */
async function toClosedPort(t: Check, ...segments: readonly string[]): Promise<void> {
  const p = await scripted(t);
  p.peer.port = 40_000;
  p.peer.remotePort = PORT;
  for (const flags of segments) {
    const mark = p.mark();
    p.peer.send(flags, { ack: 777_000, data: flags === "SYN" ? "" : "text" });
    p.run(1000);
    t.wire(p.log, p.since(mark));
  }
}

row("W-26", (t) => toClosedPort(t, "ACK", "SYN"));

row("W-27", (t) => toClosedPort(t, "RST"));

row("W-28", async (t) => {
  const p = await hosts(t);
  const { listener } = callers(p, 2);
  const mark = p.mark();
  assert.equal(p.a.close(listener), 0);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-29", async (t) => {
  for (const conditional of [true, false]) {
    const p = await hosts(t);
    const listener = p.a.socket();
    if (conditional) assert.equal(p.a.setOption(listener, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, 1), 0);
    assert.equal(p.a.bind(listener, "0.0.0.0", PORT), 0);
    assert.equal(p.a.listen(listener), 0);
    const s = p.b.socket();
    const mark = p.mark();
    p.b.nonblocking(s);
    p.b.connect(s, A, PORT);
    p.run(100);
    decide(p.a, listener, W.CF_REJECT);
    p.a.nonblocking(listener);
    p.a.accept(listener, 1);
    assert.notEqual(p.a.err, LASTACK_CONDITION);
    p.run(100);
    t.wire(p.log, p.since(mark));
  }
});

row("W-30", async (t) => {
  const p = await connected(t);
  const mark = p.mark();
  assert.equal(p.a.code("WSPSendDisconnect", p.s, p.a.poke(new Uint8Array(16))), 10042);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-31", async (t) => {
  const p = await hosts(t);
  for (const call of [(s: number) => p.a.shutdown(s, SD_BOTH), (s: number) => p.a.close(s)]) {
    const [s, far] = [p.a.socket("udp"), p.b.socket("udp")];
    const port = 5000 + p.log.datagrams.length;
    p.a.bind(s, "0.0.0.0", port);
    p.b.sendTo(far, "queued", A, port);
    p.run(100);
    assert.equal(p.a.connect(s, B, 9), 0);
    const [mark, datagrams] = [p.mark(), p.log.datagrams.length];
    assert.equal(call(s), 0);
    p.run(LONG);
    assert.equal(p.log.datagrams.length, datagrams, "a datagram");
    t.wire(p.log, p.since(mark));
  }
  t.fact("icmp", p.log.icmp.length);
});

row("W-32", async (t) => {
  const p = await connected(t, SLOW);
  const mark = p.mark();
  p.a.close(p.s);
  // The FINs cross on the way.
  p.run(1);
  p.b.close(p.t);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

row("W-33", async (t) => {
  const p = await hosts(t);
  const { listener, far } = callers(p, 1);
  p.b.send(far[0] as number, "hello");
  p.run(100);
  const mark = p.mark();
  p.b.shutdown(far[0] as number, SD_SEND);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
  const s = accept(p.a, listener);
  t.result(p.a.recv(s), p.a.err);
  t.result(p.a.recv(s), p.a.err);
});

row("W-34", async (t) => {
  const p = await connected(t);
  finByPeer(p);
  const mark = p.mark();
  assert.equal(p.a.send(p.s, 5000), 5000);
  p.run(LONG);
  t.wire(p.log, p.since(mark));
});

/** The three ways of W-12, W-13 and W-16 to a reset. */
const RESETS: readonly ((p: Connected) => void)[] = [
  (p) => {
    p.b.send(p.t, "unread");
    p.run(100);
    p.a.close(p.s);
  },
  (p) => {
    p.a.close(p.s);
    p.run(100);
    p.b.send(p.t, "late");
  },
  (p) => {
    p.a.shutdown(p.s, SD_RECEIVE);
    p.b.send(p.t, "late");
  },
];

row("W-35", async (t) => {
  for (const reset of RESETS) {
    const p = await connected(t);
    reset(p);
    p.run(LONG);
    t.wire(p.log, p.seen("RST", "a"));
  }
});
