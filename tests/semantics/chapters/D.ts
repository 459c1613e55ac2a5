/** WSASendDisconnect and WSARecvDisconnect. */
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { B, type Connected, connected, hosts, PORT } from "../support/hosts.ts";
import type { Provider } from "../support/provider.ts";
import { connectedMessages, watch } from "../support/situations.ts";

const { FD_CLOSE, FD_READ, SD_SEND } = W;
/** A pointer outside linear memory. */
const WILD = 0x7ffffff0;
/** Scratch offset of a WSABUF, and of what it points to. */
const BUFFER = 0;

const sendDisconnect = (spi: Provider, s: number, data = 0): number => spi.code("WSPSendDisconnect", s, data);
const recvDisconnect = (spi: Provider, s: number, data = 0): number => spi.code("WSPRecvDisconnect", s, data);

/** A WSABUF of `length` bytes at scratch, the first of them 1 to 8. */
function wsabuf(spi: Provider, length: number): number {
  spi.poke([1, 2, 3, 4, 5, 6, 7, 8], 16);
  spi.pokeWord(length, BUFFER);
  spi.pokeWord(spi.scratch + 16, BUFFER + 4);
  return spi.scratch;
}

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 11 + (i >> 8)) & 0xff);

row("D-01", async (t) => {
  const p = await connected(t, { link: { delayMs: 5 } });
  const event = watch(p.b, p.t, FD_CLOSE);
  const sent = pattern(20_000);
  p.a.send(p.s, sent);
  const mark = p.mark();
  t.code(sendDisconnect(p.a, p.s));
  t.state(p.a.state(p.s));
  p.run(200);
  p.b.enumerate(p.t, event);
  const got: number[] = [];
  for (let part = p.b.recv(p.t); part && got.length < sent.length; part = got.length < sent.length ? p.b.recv(p.t) : undefined) got.push(...part);
  t.peerBytes(Uint8Array.from(got), sent);
  t.peer(p.b.enumerate(p.t, event));
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("D-02", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ | FD_CLOSE);
  const mark = p.mark();
  t.code(sendDisconnect(p.a, p.s, wsabuf(p.a, 4)));
  p.run(100);
  t.own(p.a.enumerate(p.s, event));
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
  t.result(p.a.send(p.s, "still"), p.a.err);
});

row("D-03", async (t) => {
  const p = await connected(t);
  const mark = p.mark();
  t.code(sendDisconnect(p.a, p.s, wsabuf(p.a, 0)));
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("D-04", async (t) => {
  const p = await connectedMessages(t);
  const mark = p.mark();
  t.code(sendDisconnect(p.a, p.s, WILD));
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("D-05", async (t) => {
  const p = await connected(t);
  const mark = p.mark();
  t.code(sendDisconnect(p.a, p.s, WILD));
  p.run(100);
  t.wire(p.log, p.since(mark));
});

row("D-06", async (t) => {
  const p = await hosts(t);
  const mark = p.mark();
  t.code(sendDisconnect(p.a, p.a.socket()), sendDisconnect(p.a, p.a.listener(5000)));
  p.run(100);
  t.wire(p.log, p.since(mark));
});

row("D-07", async (t) => {
  const p = await connected(t);
  sendDisconnect(p.a, p.s);
  t.result(p.a.send(p.s, "x"), p.a.err);
});

row("D-08", async (t) => {
  const p = await connected(t);
  sendDisconnect(p.a, p.s);
  p.run(50);
  const mark = p.mark();
  t.code(sendDisconnect(p.a, p.s), p.a.shutdown(p.s, SD_SEND));
  p.run(10_000);
  t.wire(p.log, p.since(mark));
});

row("D-09", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ | FD_CLOSE);
  sendDisconnect(p.a, p.s);
  p.run(50);
  p.b.send(p.t, "reply");
  p.run(50);
  t.own(p.a.enumerate(p.s, event));
  t.result(p.a.recv(p.s), p.a.err);
  p.b.shutdown(p.t, SD_SEND);
  p.run(50);
  t.own(p.a.enumerate(p.s, event));
  t.result(p.a.recv(p.s), p.a.err);
});

row("D-10", async (t) => {
  const p = await connected(t);
  p.a.setLinger(p.s, 1, 30);
  p.a.nonblocking(p.s);
  for (let i = 0; i < 40; i++) p.a.send(p.s, 30_000);
  const start = p.now;
  t.code(sendDisconnect(p.a, p.s));
  t.timing(p.now - start);
});

row("D-12", async (t) => {
  const p = await connected(t);
  const [own, peer] = [watch(p.a, p.s, FD_READ | FD_CLOSE), watch(p.b, p.t, FD_READ | FD_CLOSE)];
  const mark = p.mark();
  t.code(recvDisconnect(p.a, p.s));
  p.run(1_000);
  t.own(p.a.enumerate(p.s, own));
  t.peer(p.b.enumerate(p.t, peer));
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("D-13", async (t) => {
  const p = await connected(t);
  recvDisconnect(p.a, p.s);
  t.result(p.a.recv(p.s), p.a.err);
});

row("D-14", async (t) => {
  for (const first of [true, false]) {
    const p: Connected = await connected(t);
    const mark = p.mark();
    if (first) { p.b.send(p.t, "unread"); p.run(100); }
    t.code(recvDisconnect(p.a, p.s));
    if (!first) p.b.send(p.t, "late");
    p.run(300);
    t.peerReceived(p.b.recv(p.t), p.b.err);
    // Without a reset the row speaks of nothing but acknowledgements.
    const sent = p.since(mark).filter((s) => s.from === "a" && !(s.flags === "ACK" && s.length === 0));
    t.wire(p.log, sent);
    t.state(p.a.state(p.s));
  }
});

row("D-15", async (t) => {
  const p = await connected(t);
  const mark = p.mark();
  t.code(recvDisconnect(p.a, p.s, wsabuf(p.a, 8)));
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("D-16", async (t) => {
  const p = await connectedMessages(t);
  sendDisconnect(p.b, p.t, wsabuf(p.b, 5));
  p.run(100);
  t.code(recvDisconnect(p.a, p.s, wsabuf(p.a, 4)), recvDisconnect(p.a, p.s, wsabuf(p.a, 5)));
});

row("D-17", async (t) => {
  const seen: readonly ((p: Connected) => void)[] = [
    (p) => { const event = watch(p.a, p.s, FD_CLOSE); p.run(100); p.a.enumerate(p.s, event); },
    (p) => { p.run(100); p.a.recv(p.s); },
    (p) => { p.run(100); p.b.abort(p.t); p.run(100); p.a.recv(p.s); },
  ];
  for (const told of seen) {
    const p = await connectedMessages(t);
    sendDisconnect(p.b, p.t, wsabuf(p.b, 5));
    told(p);
    t.code(recvDisconnect(p.a, p.s, wsabuf(p.a, 64)));
    t.fact("len", p.a.scratchWord(BUFFER));
    t.fact("data", [...p.a.scratchBytes(5, 16)]);
  }
});

row("D-18", async (t) => {
  const { a } = await hosts(t);
  t.code(recvDisconnect(a, a.socket()));
});

row("D-19", async (t) => {
  for (const call of [sendDisconnect, recvDisconnect]) {
    const { a } = await hosts(t);
    const s = a.socket();
    a.close(s);
    t.code(call(a, s));
    a.cleanup();
    t.code(call(a, s));
  }
});

row("D-20", async (t) => {
  const p = await connected(t);
  t.code(sendDisconnect(p.a, p.s), recvDisconnect(p.a, p.s));
  p.run(100);
  t.fact("descriptor", p.a.name(p.s) !== "" && p.a.close(p.s) === 0 ? "valid" : "dead");
});

row("D-21", async (t) => {
  for (const call of [sendDisconnect, recvDisconnect]) {
    const p = await connected(t);
    call(p.a, p.s);
    p.run(50);
    t.code(p.a.connect(p.s, B, PORT));
  }
});
