/** Closing, one descriptor: graceful, hard, and with linger. C-01 to C-26. */
import assert from "node:assert/strict";
import * as W from "../../../host/abi/winsock.gen.ts";
import type { Check } from "../check.ts";
import { row } from "../registry.ts";
import { closeRefused, drainAtPeer, flushed, inState, lingered, lingering, SLOW, stuffedLinger } from "../support/closing.ts";
import { type Connected, connected } from "../support/hosts.ts";
import { bytesOf } from "../support/provider.ts";
import { finByPeer, probedState, resetByPeer, STUFFING, stuffed, watch } from "../support/situations.ts";

const { FD_CLOSE, FD_CONNECT, FD_READ, FD_WRITE, SD_SEND, SO_DONTLINGER, SO_LINGER, SOL_SOCKET } = W;
/** Bytes accepted by one send and not yet sent at the close: many windows. */
const PLENTY = 3_000_000;

/** A word for an event object, which must not be set by what a row does. */
const signal = (p: Connected, event: number): string => (p.a.isSet(event) ? "set" : "none");

/** b reads everything and the end behind it. */
function allThenEnd(t: Check, p: Connected, sent: Uint8Array): void {
  t.peerBytes(p.b.drain(p.t, sent.length).bytes, sent);
  t.peerReceived(p.until(p.b, () => p.b.recv(p.t)), p.b.err);
}

row("C-01", async (t) => {
  const p = await connected(t, SLOW);
  const [own, far] = [watch(p.a, p.s, FD_CLOSE), watch(p.b, p.t, FD_CLOSE)];
  const [mark, start] = [p.mark(), p.now];
  t.code(p.a.close(p.s));
  t.timing(p.now - start);
  p.run(1);
  t.state(p.wireState("a", p.port));
  p.run(200);
  t.state(p.wireState("a", p.port));
  t.own(signal(p, own));
  t.peer(p.b.enumerate(p.t, far));
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.peer(p.b.enumerate(p.t, far));
  t.wire(p.log, p.since(mark));
});

row("C-02", async (t) => {
  const p = await connected(t, SLOW);
  const mark = p.mark();
  assert.equal(p.a.send(p.s, PLENTY), PLENTY);
  const start = p.now;
  t.code(p.a.close(p.s));
  t.timing(p.now - start);
  const sent = bytesOf(PLENTY);
  t.peerBytes(p.b.drain(p.t, PLENTY).bytes, sent);
  // The acknowledgement of the FIN is still on its way.
  t.state(p.wireState("a", p.port));
  t.peerReceived(p.until(p.b, () => p.b.recv(p.t)), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("C-03", async (t) => {
  const p = await connected(t, SLOW);
  p.a.nonblocking(p.s);
  const mark = p.mark();
  assert.equal(p.a.send(p.s, PLENTY), PLENTY);
  t.code(p.a.close(p.s));
  t.peerBytes(p.b.drain(p.t, PLENTY).bytes, bytesOf(PLENTY));
  t.state(p.wireState("a", p.port));
  t.peerReceived(p.until(p.b, () => p.b.recv(p.t)), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("C-04", async (t) => {
  const p = await connected(t);
  const mark = p.mark();
  // The thread is never heard of again.
  assert.equal(p.a.as(7).send(p.s, PLENTY), PLENTY);
  assert.equal(p.a.close(p.s), 0);
  p.a.as(0);
  allThenEnd(t, p, bytesOf(PLENTY));
  t.wire(p.log, p.since(mark));
});

row("C-05", async (t) => {
  const p = await connected(t, SLOW);
  p.b.send(p.t, "last words");
  finByPeer(p);
  assert.equal(p.a.text(p.s), "last words");
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(1);
  t.state(p.wireState("a", p.port));
  p.run(200);
  t.state(p.wireState("a", p.port));
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("C-06", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_SEND);
  p.run(100);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(5000);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("C-07", async (t) => {
  const p = await inState(t, "TIME_WAIT");
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(5000);
  t.wire(p.log, p.since(mark));
  t.state(probedState(p));
});

row("C-08", async (t) => {
  const p = await connected(t);
  const event = watch(p.b, p.t, FD_CLOSE);
  p.a.setLinger(p.s, 1, 0);
  const [mark, start] = [p.mark(), p.now];
  t.code(p.a.close(p.s));
  t.timing(p.now - start);
  p.run(100);
  t.peer(p.b.enumerate(p.t, event));
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("C-09", async (t) => {
  const p = await stuffedLinger(t, 0);
  const [mark, start] = [p.mark(), p.now];
  t.code(p.a.close(p.s));
  t.timing(p.now - start);
  p.run(5000);
  t.peerBytes(p.b.drain(p.t).bytes, bytesOf(STUFFING));
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("C-10", async (t) => {
  const p = await connected(t);
  const event = watch(p.b, p.t, FD_CLOSE);
  p.a.nonblocking(p.s);
  p.a.setLinger(p.s, 1, 0);
  const [mark, start] = [p.mark(), p.now];
  t.code(p.a.close(p.s));
  t.timing(p.now - start);
  p.run(100);
  t.peer(p.b.enumerate(p.t, event));
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("C-11", async (t) => {
  for (const state of ["FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT"]) {
    const p = await inState(t, state);
    p.a.setLinger(p.s, 1, 0);
    const mark = p.mark();
    t.code(p.a.close(p.s));
    p.run(5000);
    t.wire(p.log, p.since(mark));
    t.state(probedState(p));
  }
  // A peer in CLOSE_WAIT.
  const p = await connected(t);
  p.a.shutdown(p.s, SD_SEND);
  p.run(100);
  p.a.setLinger(p.s, 1, 0);
  p.a.close(p.s);
  p.run(100);
  t.peerReceived(p.b.recv(p.t), p.b.err);
});

row("C-12", async (t) => {
  for (const state of ["CLOSING", "LAST_ACK", "TIME_WAIT"]) {
    const p = await inState(t, state);
    p.a.setLinger(p.s, 1, 0);
    const mark = p.mark();
    t.code(p.a.close(p.s));
    p.run(5000);
    t.wire(p.log, p.since(mark));
    t.state(probedState(p));
  }
});

row("C-13", async (t) => {
  const p = await connected(t, SLOW);
  const event = watch(p.b, p.t, FD_CLOSE);
  p.a.setLinger(p.s, 1, 30);
  const [mark, start] = [p.mark(), p.now];
  t.code(lingered(p));
  t.timing(p.now - start);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
  t.peer(p.b.enumerate(p.t, event));
});

row("C-14", async (t) => {
  const { p, mark, code, late } = await flushed(t);
  t.code(code);
  t.timing(late);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
  allThenEnd(t, p, bytesOf(STUFFING));
});

row("C-15", async (t) => {
  const p = await stuffedLinger(t, 3);
  const [mark, start] = [p.mark(), p.now];
  t.code(lingered(p));
  t.timing(p.now - start);
  p.run(5000);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
  const { bytes, error } = p.b.drain(p.t);
  t.peerReceived(undefined, error);
  t.peerBytes(bytes, bytesOf(STUFFING));
});

row("C-16", async (t) => {
  const p = await lingering(t, 30);
  p.run(1000);
  p.b.setLinger(p.t, 1, 0);
  const [mark, start] = [p.mark(), p.now];
  assert.equal(p.b.close(p.t), 0);
  t.code(lingered(p));
  t.timing(p.now - start);
  p.run(5000);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("C-17", async (t) => {
  t.code((await flushed(t)).code);
  const expired = await lingering(t, 3);
  t.code(lingered(expired));
  assert.equal(expired.seen("FIN", "a").length, 0);
  const reset = await lingering(t, 30);
  reset.run(1000);
  resetByPeer(reset);
  t.code(lingered(reset));
});

row("C-18", async (t) => {
  const p = await connected(t, { configB: { recvBuffer: 2048 } });
  const event = watch(p.a, p.s, FD_READ | FD_WRITE | FD_CONNECT);
  p.a.setLinger(p.s, 1, 30);
  p.a.nonblocking(p.s);
  const mark = p.mark();
  assert.equal(p.a.send(p.s, STUFFING), STUFFING);
  p.run(500);
  t.code(p.a.close(p.s));
  p.run(100);
  t.own(p.a.enumerate(p.s, event));
  p.b.send(p.t, "still there");
  p.run(100);
  t.own(p.a.enumerate(p.s, event));
  t.peerBytes(p.b.drain(p.t, STUFFING).bytes, bytesOf(STUFFING));
  p.run(5000);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("C-19", async (t) => {
  const p = await closeRefused(t);
  const mark = p.mark();
  t.result(p.a.send(p.s, "more"), p.a.err);
  p.b.send(p.t, "news");
  p.run(100);
  t.result(p.a.recv(p.s), p.a.err);
  t.code(p.a.getBytes(p.s, SOL_SOCKET, SO_LINGER, 4).code);
  t.code(p.a.select(p.s, p.a.event(), FD_CLOSE));
  p.run(5000);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("C-20", async (t) => {
  const p = await closeRefused(t);
  for (let i = 0; i < 3; i++) {
    p.run(i * 1000);
    t.code(p.a.close(p.s));
  }
  t.state(p.a.state(p.s));
});

/** C-21, C-22: with a remedy that leads to a graceful close in the background. */
async function remedied(t: Check, remedy: (p: Connected) => number): Promise<void> {
  const p = await closeRefused(t, SLOW);
  const mark = p.mark();
  t.code(remedy(p), p.a.close(p.s));
  t.peerBytes(drainAtPeer(p), bytesOf(STUFFING));
  t.state(p.wireState("a", p.port));
  t.peerReceived(p.until(p.b, () => p.b.recv(p.t)), p.b.err);
  t.wire(p.log, p.since(mark));
}

row("C-21", (t) => remedied(t, (p) => p.a.setOption(p.s, SOL_SOCKET, SO_DONTLINGER, 1)));

row("C-22", (t) => remedied(t, (p) => p.a.shutdown(p.s, SD_SEND)));

row("C-23", async (t) => {
  const p = await closeRefused(t);
  const mark = p.mark();
  t.code(p.a.setLinger(p.s, 1, 0), p.a.close(p.s));
  p.run(5000);
  const { bytes, error } = p.b.drain(p.t);
  t.peerReceived(undefined, error);
  t.peerBytes(bytes, bytesOf(STUFFING));
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("C-24", async (t) => {
  const p = await closeRefused(t);
  t.code(p.a.nonblocking(p.s, false));
  t.result(p.a.close(p.s), p.a.err);
  t.peerBytes(p.b.drain(p.t, STUFFING).bytes, bytesOf(STUFFING));
  t.code(lingered(p));
  assert.ok(p.finAcknowledged("a", p.port));
  t.peerReceived(p.b.recv(p.t), p.b.err);
});

row("C-25", async (t) => {
  const p = await connected(t, SLOW);
  p.a.nonblocking(p.s);
  p.a.setLinger(p.s, 1, 30);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(30); // less than a round trip
  t.wire(p.log, p.since(mark));
  t.state(t.reading === "A" ? p.a.state(p.s) : p.wireState("a", p.port));
});

row("C-26", async (t) => {
  const p = await stuffed(t);
  p.a.nonblocking(p.s);
  p.a.setLinger(p.s, 1, 30);
  resetByPeer(p);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(5000);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});
