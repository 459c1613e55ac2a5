/** Closing what waits, is waited for or is shared; bad handles; WSPCleanup; what goes on behind a close. C-27 to C-60. */
import assert from "node:assert/strict";
import { LASTACK_WAIT } from "../../../host/abi/errors.gen.ts";
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { called, callers, SLOW } from "../support/closing.ts";
import { A, B, connected, hosts, PORT, portOf, scripted, scriptedConnection } from "../support/hosts.ts";
import { bytesOf, type Provider } from "../support/provider.ts";
import { finByPeer, probedState, STUFFING, stuffed, watch } from "../support/situations.ts";

const { FD_ALL_EVENTS, FD_CLOSE, FD_CONNECT, SD_SEND, SO_EXCLUSIVEADDRUSE, SO_LINGER, SOL_SOCKET } = W;
/** Two callers: threads. */
const [T1, T2] = [1, 2] as const;

row("C-27", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_CLOSE);
  t.code(p.a.close(p.s));
  finByPeer(p);
  t.own(p.a.isSet(event) ? "set" : "none");
  const usable = p.a.raw("WSASetEvent", event) === 1 && p.a.isSet(event) && p.a.raw("WSAResetEvent", event) === 1 && !p.a.isSet(event);
  t.fact("event", usable ? "valid" : "closed");
});

/** Codes of twelve entries called with a handle. */
function twelveCalls(a: Provider, s: number): number[] {
  const code = (call: () => unknown): number => {
    call();
    return a.err;
  };
  return [
    a.bind(s, "0.0.0.0", 0), a.listen(s), code(() => a.accept(s)), a.connect(s, B, PORT), code(() => a.send(s, "x")), code(() => a.recv(s)), a.shutdown(s, SD_SEND),
    a.setLinger(s, 1, 0), a.getBytes(s, SOL_SOCKET, SO_LINGER, 4).code, a.nonblocking(s), code(() => a.poll({ read: [s] })), a.select(s, a.event(), FD_CLOSE),
  ];
}

row("C-29", async (t) => {
  const p = await connected(t);
  assert.equal(p.a.close(p.s), 0);
  t.code(...twelveCalls(p.a, p.s));
});

row("C-30", async (t) => {
  const p = await connected(t);
  assert.equal(p.a.close(p.s), 0);
  t.code(p.a.close(p.s));
});

row("C-31", async (t) => {
  const p = await connected(t, { configB: { recvBuffer: 2048 } });
  p.a.send(p.s, STUFFING);
  p.a.setLinger(p.s, 1, 30);
  assert.equal(p.a.as(T1).close(p.s), LASTACK_WAIT);
  p.run(100);
  p.a.as(T2);
  t.result(p.a.send(p.s, "x"), p.a.err);
  t.result(p.a.recv(p.s), p.a.err);
  t.code(p.a.getBytes(p.s, SOL_SOCKET, SO_LINGER, 4).code, p.a.close(p.s));
});

row("C-39", async (t) => {
  const p = await hosts(t);
  const listener = p.a.listener(PORT);
  p.a.as(T2).accept(listener);
  assert.equal(p.a.err, LASTACK_WAIT);
  p.run(100);
  const start = p.now;
  t.code(p.a.as(T1).close(listener));
  t.result(p.a.as(T2).until(() => p.a.accept(listener)), p.a.err);
  t.timing(p.now - start);
  // Nothing listens there any more.
  const s = p.b.socket();
  t.state(p.b.until(() => p.b.connect(s, A, PORT)) === 10061 ? "CLOSED" : "LISTEN");
});

row("C-40", async (t) => {
  const p = await connected(t);
  p.a.as(T2).recv(p.s);
  assert.equal(p.a.err, LASTACK_WAIT);
  p.run(100);
  t.code(p.a.as(T1).close(p.s));
  t.result(p.a.as(T2).until(() => p.a.recv(p.s)), p.a.err);
});

row("C-41", async (t) => {
  const p = await connected(t);
  p.a.as(T2).poll({ read: [p.s] }, null);
  assert.equal(p.a.err, LASTACK_WAIT);
  p.run(100);
  t.code(p.a.as(T1).close(p.s));
  const { n, read } = p.a.as(T2).until(() => p.a.poll({ read: [p.s] }, null));
  t.result(n, p.a.err);
  t.fact("readfds", read.map((handle) => (handle === p.s ? "s" : "another")).join("+"));
});

row("C-42", async (t) => {
  const p = await connected(t);
  p.a.as(T2).poll({ except: [p.s] }, null);
  assert.equal(p.a.err, LASTACK_WAIT);
  p.run(100);
  t.code(p.a.as(T1).close(p.s));
  const { n, except } = p.a.as(T2).until(() => p.a.poll({ except: [p.s] }, null));
  t.result(n, p.a.err);
  t.fact("exceptfds", except.length === 0 ? "empty" : "not empty");
});

row("C-43", async (t) => {
  const p = await connected(t);
  const wait = (): { n: number; revents: string[] } => p.a.wsaPoll([[p.s, W.POLLRDNORM]], -1);
  p.a.as(T2);
  wait();
  assert.equal(p.a.err, LASTACK_WAIT);
  p.run(100);
  t.code(p.a.as(T1).close(p.s));
  const { n, revents } = p.a.as(T2).until(wait);
  t.result(n, p.a.err);
  t.fact("revents", revents[0] ?? "");
});

row("C-44", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "unread");
  p.run(100);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(100);
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("C-45", async (t) => {
  const p = await connected(t);
  p.a.close(p.s);
  p.run(100);
  const mark = p.mark();
  assert.equal(p.b.send(p.t, "late"), 4);
  p.run(5000);
  t.peerReceived(p.b.recv(p.t), p.b.err);
  p.b.send(p.t, "later");
  t.peer(`send:${p.b.err}`);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("C-46", async (t) => {
  const p = await hosts(t);
  const { listener, far } = callers(p, 2);
  const mark = p.mark();
  t.code(p.a.close(listener));
  p.run(100);
  for (const s of far) t.peerReceived(p.b.recv(s), p.b.err);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", PORT));
});

row("C-47", async (t) => {
  const p = await hosts(t);
  const { listener, s, t: far } = called(p);
  t.code(p.a.close(listener));
  p.run(100);
  assert.equal(p.a.send(s, STUFFING), STUFFING);
  t.peerBytes(p.b.drain(far, STUFFING).bytes, bytesOf(STUFFING));
});

row("C-48", async (t) => {
  const p = await scripted(t);
  const s = p.a.socket();
  p.a.nonblocking(s);
  const event = watch(p.a, s, FD_CONNECT);
  assert.equal(p.a.connect(s, B, PORT), 10035);
  p.run(10);
  const port = portOf(p.a, s);
  let mark = p.mark();
  t.code(p.a.close(s));
  p.run(60_000);
  t.wire(p.log, p.since(mark));
  mark = p.mark();
  p.peer.answerSyn();
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.own(p.a.isSet(event) ? "set" : "none");
  t.state(p.wireState("a", port));
});

row("C-49", async (t) => {
  const p = await hosts(t);
  const [s, far] = [p.a.socket("udp"), p.b.socket("udp")];
  assert.equal(p.a.bind(s, "0.0.0.0", 5000), 0);
  assert.equal(p.b.bind(far, "0.0.0.0", 5000), 0);
  // The far end's hardware address is known: nothing but the datagrams themselves has to wait.
  for (const text of ["in 1", "in 2"]) assert.equal(p.b.sendTo(far, text, A, 5000), 0);
  p.run(100);
  for (const text of ["out 1", "out 2"]) assert.equal(p.a.sendTo(s, text, B, 5000), 0);
  const start = p.now;
  t.code(p.a.close(s));
  t.timing(p.now - start);
  p.run(5000);
  t.fact("datagrams", p.log.datagrams.filter((from) => from === "a").length);
  t.fact("icmp", p.log.icmp.length);
  const received = [p.b.recv(far), p.b.recv(far)].map((bytes) => new TextDecoder().decode(bytes)).join();
  const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);
  t.peerBytes(encoded(received), encoded("out 1,out 2"));
});

row("C-50", async (t) => {
  const { a } = await hosts(t);
  // An event object is the handle of another kind that there is.
  for (const handle of [0, -1, 0x12345678, a.event()]) t.code(a.close(handle));
});

row("C-51", async (t) => {
  const { a } = await hosts(t, { startup: false });
  t.code(a.close(1));
  assert.equal(a.startup(), 0);
  const s = a.socket();
  assert.equal(a.cleanup(), 0);
  t.code(a.close(s));
});

row("C-52", async (t) => {
  const p = await connected(t);
  assert.equal(p.a.startup(), 0);
  t.code(p.a.cleanup());
  t.result(p.a.send(p.s, "alive"), p.a.err);
  p.run(100);
  assert.equal(p.b.text(p.t), "alive");
});

row("C-53", async (t) => {
  const p = await connected(t);
  const [twin, listener] = [p.a.duplicate(p.s), p.a.listener(PORT)];
  const mark = p.mark();
  t.code(p.a.cleanup(), p.a.startup());
  p.run(100);
  t.code(p.a.close(p.s), p.a.close(twin), p.a.close(listener));
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("C-54", async (t) => {
  const p = await stuffed(t);
  assert.equal(p.a.close(p.s), 0);
  p.run(100);
  const mark = p.mark();
  t.code(p.a.cleanup());
  p.run(5000);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("C-55", async (t) => {
  const { a } = await hosts(t);
  assert.equal(a.cleanup(), 0);
  t.code(a.cleanup());
});

row("C-56", async (t) => {
  const p = await scriptedConnection(t);
  assert.equal(p.a.send(p.s, 1000), 1000);
  const start = p.now;
  assert.equal(p.a.close(p.s), 0);
  const gone = (): boolean => p.a.core.exports.orphans() === 0;
  p.run(10);
  assert.ok(!gone());
  let mark = p.mark();
  // Only what is sent at the end counts, not the repeated data before it.
  p.world.runUntil(() => {
    if (p.since(mark).every((s) => !s.flags.includes("RST"))) mark = p.mark();
    return gone();
  }, 600_000);
  t.timing(p.now - start);
  p.run(10);
  t.wire(p.log, p.since(mark));
  t.state(probedState(p));
});

row("C-57", async (t) => {
  const p = await stuffed(t);
  assert.equal(p.a.close(p.s), 0);
  p.run(100);
  const other = p.a.socket();
  p.a.setOption(other, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
  t.code(p.a.bind(other, "0.0.0.0", p.port));
  p.b.drain(p.t);
  p.b.close(p.t);
  p.run(1000);
  t.code(p.a.bind(other, "0.0.0.0", p.port));
});

row("C-59", async (t) => {
  const p = await hosts(t, SLOW);
  const { s, t: far } = called(p);
  const mark = p.mark();
  t.code(p.a.close(s));
  p.run(1);
  t.state(p.wireState("a", PORT));
  p.run(200);
  t.peerReceived(p.b.recv(far), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("C-60", async (t) => {
  const p = await connected(t, SLOW);
  const [own, far] = [watch(p.a, p.s, FD_ALL_EVENTS), watch(p.b, p.t, FD_ALL_EVENTS)];
  // FD_CONNECT and FD_WRITE, which a connected socket records at once.
  p.a.enumerate(p.s, own);
  p.b.enumerate(p.t, far);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  // The FINs cross on the way.
  p.run(1);
  t.code(p.b.close(p.t));
  const both = (): void => t.state(p.wireState("a", p.port), p.wireState("b", PORT));
  p.run(30);
  both();
  p.run(200);
  both();
  t.own(p.a.isSet(own) ? "set" : "none");
  t.peer(p.b.isSet(far) ? "set" : "none");
  t.wire(p.log, p.since(mark));
});
