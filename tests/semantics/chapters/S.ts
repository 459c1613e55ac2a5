/** shutdown: what it puts on the wire, what it refuses, what it leaves alone. */
import { WSAESHUTDOWN } from "../../../host/abi/errors.gen.ts";
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { B, connected, hosts, PORT, scriptedConnection } from "../support/hosts.ts";

const { FD_ALL_EVENTS, FD_CLOSE, FD_READ, SD_BOTH, SD_RECEIVE, SD_SEND, SO_LINGER, SOL_SOCKET } = W;
const EVERY = [SD_RECEIVE, SD_SEND, SD_BOTH] as const;

/** More than the peer's window holds. */
const MANY = 600_000;
/** Where the harness keeps the count of bytes sent. */
const SENT = 8;

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 13 + (i >> 8)) & 0xff);

row("S-01", async (t) => {
  const p = await connected(t, { link: { delayMs: 5 } });
  const event = p.b.event();
  p.b.select(p.t, event, FD_CLOSE);
  const [mark, start] = [p.mark(), p.now];
  t.code(p.a.shutdown(p.s, SD_SEND));
  t.timing(p.now - start);
  t.state(p.a.state(p.s));
  p.run(100);
  t.state(p.a.state(p.s));
  t.peer(p.b.enumerate(p.t, event));
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("S-02", async (t) => {
  const p = await connected(t, { link: { delayMs: 5 } });
  const sent = pattern(30_000);
  p.a.send(p.s, sent);
  const [mark, start] = [p.mark(), p.now];
  t.code(p.a.shutdown(p.s, SD_SEND));
  t.timing(p.now - start);
  t.state(p.a.state(p.s));
  const got = p.b.drain(p.t);
  t.peerBytes(got.bytes, sent);
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("S-03", async (t) => {
  const p = await connected(t);
  const [own, peer] = [p.a.event(), p.b.event()];
  p.a.shutdown(p.s, SD_SEND);
  p.run(50);
  p.b.recv(p.t);
  p.b.select(p.t, peer, FD_CLOSE);
  p.b.enumerate(p.t, peer);
  p.a.select(p.s, own, FD_ALL_EVENTS);
  p.a.enumerate(p.s, own);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_SEND));
  p.run(10_000);
  t.own(p.a.enumerate(p.s, own));
  t.peer(p.b.enumerate(p.t, peer));
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-04", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_SEND);
  p.run(50);
  const event = p.a.event();
  p.a.select(p.s, event, FD_ALL_EVENTS & ~W.FD_CONNECT);
  const mark = p.mark();
  t.result(p.a.send(p.s, "x"), p.a.err);
  p.run(100);
  t.own(p.a.enumerate(p.s, event));
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-05", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_SEND);
  p.run(50);
  const mark = p.mark();
  t.result(p.a.send(p.s, ""), p.a.err);
  t.code(p.a.sendTo(p.s, "x", B, PORT));
  t.result(p.a.send(p.s, pattern(3000)), p.a.err);
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-06", async (t) => {
  const p = await connected(t);
  const event = p.a.event();
  p.a.shutdown(p.s, SD_SEND);
  p.a.select(p.s, event, FD_READ);
  p.run(50);
  const mark = p.mark();
  p.b.send(p.t, "reply");
  p.run(300);
  t.own(p.a.enumerate(p.s, event));
  t.result(p.a.recv(p.s), p.a.err);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-07", async (t) => {
  const p = await connected(t, { link: { delayMs: 5 } });
  const event = p.b.event();
  p.b.shutdown(p.t, SD_SEND);
  p.run(100);
  p.a.recv(p.s);
  p.b.select(p.t, event, FD_CLOSE);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_SEND));
  t.state(p.a.state(p.s));
  p.run(100);
  t.state(p.a.state(p.s));
  t.peer(p.b.enumerate(p.t, event));
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
  p.a.linger(p.s);
  t.fact("handle", p.a.err === 0 ? "valid" : "dead");
});

row("S-08", async (t) => {
  const p = await connected(t);
  const [own, peer] = [p.a.event(), p.b.event()];
  p.a.select(p.s, own, FD_READ | FD_CLOSE);
  p.b.select(p.t, peer, FD_READ | FD_CLOSE);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_RECEIVE));
  p.run(1_000);
  t.own(p.a.enumerate(p.s, own));
  t.peer(p.b.enumerate(p.t, peer));
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-09", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_RECEIVE);
  const mark = p.mark();
  for (let i = 0; i < 3; i++) t.result(p.a.recv(p.s), p.a.err);
  p.run(100);
  t.wire(p.log, p.since(mark));
});

row("S-10", async (t) => {
  const p = await connected(t);
  const event = p.b.event();
  p.a.shutdown(p.s, SD_RECEIVE);
  p.b.select(p.t, event, FD_READ);
  const mark = p.mark();
  t.result(p.a.send(p.s, "bytes"), p.a.err);
  p.run(100);
  t.peer(p.b.enumerate(p.t, event));
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-11", async (t) => {
  const p = await connected(t);
  const event = p.b.event();
  p.b.send(p.t, "unread");
  p.run(100);
  p.b.select(p.t, event, FD_CLOSE);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_RECEIVE));
  p.run(100);
  t.peer(p.b.enumerate(p.t, event));
  if (t.reading === "B") {
    // Blocking again, so that a receive that finds nothing waits.
    p.b.select(p.t, 0, 0);
    p.b.nonblocking(p.t, false);
  }
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-12", async (t) => {
  const p = await connected(t);
  const event = p.b.event();
  p.a.shutdown(p.s, SD_RECEIVE);
  p.run(10);
  p.b.select(p.t, event, FD_CLOSE);
  const mark = p.mark();
  p.b.send(p.t, "late");
  p.run(100);
  t.result(p.a.send(p.s, "x"), p.a.err);
  t.peer(p.b.enumerate(p.t, event));
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-13", async (t) => {
  const p = await connected(t);
  const event = p.a.event();
  p.a.shutdown(p.s, SD_RECEIVE);
  p.a.select(p.s, event, FD_CLOSE);
  const mark = p.mark();
  p.b.shutdown(p.t, SD_SEND);
  p.run(300);
  t.result(p.a.recv(p.s), p.a.err);
  t.own(p.a.enumerate(p.s, event));
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-16", async (t) => {
  const p = await connected(t);
  p.b.shutdown(p.t, SD_SEND);
  p.run(300);
  p.a.recv(p.s);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_RECEIVE));
  t.result(p.a.recv(p.s), p.a.err);
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-17", async (t) => {
  const p = await connected(t, { link: { delayMs: 5 } });
  const event = p.b.event();
  p.b.select(p.t, event, FD_CLOSE);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_BOTH));
  t.state(p.a.state(p.s));
  t.result(p.a.recv(p.s), p.a.err);
  t.result(p.a.send(p.s, "x"), p.a.err);
  p.run(100);
  t.peer(p.b.enumerate(p.t, event));
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("S-18", async (t) => {
  for (const before of [[SD_SEND, SD_BOTH, SD_BOTH], [SD_SEND, SD_RECEIVE, SD_BOTH, SD_BOTH, SD_BOTH]] as const) {
    const p = await connected(t);
    const mark = p.mark();
    for (const how of before) { t.code(p.a.shutdown(p.s, how)); p.run(20); }
    t.wire(p.log, p.since(mark));
  }
});

row("S-19", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "unread");
  p.run(100);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_BOTH));
  p.run(100);
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-20", async (t) => {
  const p = await connected(t, { link: { delayMs: 5 } });
  const sent = pattern(30_000);
  p.a.send(p.s, sent);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_BOTH));
  t.code(p.a.close(p.s));
  p.run(1);
  t.state(p.seen("FIN", "a").length > 0 ? p.wireState("a", p.port) : "FIN_WAIT_1");
  const got = p.b.drain(p.t);
  t.peerBytes(got.bytes, sent);
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("S-21", async (t) => {
  const p = await hosts(t);
  const mark = p.mark();
  for (const bound of [false, true]) {
    const s = p.a.socket();
    if (bound) p.a.bind(s, "0.0.0.0", 5000);
    for (const how of EVERY) t.code(p.a.shutdown(s, how));
  }
  p.run(100);
  t.wire(p.log, p.since(mark));
});

row("S-22", async (t) => {
  const p = await hosts(t);
  const listener = p.a.listener(5000);
  const mark = p.mark();
  for (const how of EVERY) t.code(p.a.shutdown(listener, how));
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(listener));
});

row("S-23", async (t) => {
  const p = await hosts(t, { link: { delayMs: 500 } });
  const s = p.a.socket();
  p.a.nonblocking(s);
  p.a.connect(s, B, PORT);
  p.run(10);
  const mark = p.mark();
  for (const how of EVERY) t.code(p.a.shutdown(s, how));
  t.state(p.a.state(s));
  p.run(10);
  t.wire(p.log, p.since(mark));
});

row("S-24", async (t) => {
  const p = await connected(t);
  const mark = p.mark();
  for (const how of [3, 0xdeadbeef | 0, -1]) t.code(p.a.shutdown(p.s, how));
  const open = p.a.send(p.s, "x") === 1;
  p.run(300);
  const between = p.mark();
  p.a.shutdown(p.s, SD_BOTH);
  p.run(300);
  const after = p.mark();
  for (const how of [3, 0xdeadbeef | 0, -1]) t.code(p.a.shutdown(p.s, how));
  p.run(300);
  const quiet = p.since(mark).slice(0, between - mark).every((s) => s.flags === "PSH,ACK" || s.flags === "ACK");
  t.fact("flags", open && quiet && p.a.recvError(p.s) === WSAESHUTDOWN ? "unchanged" : "changed");
  t.wire(p.log, p.since(after));
});

row("S-25", async (t) => {
  const { a } = await hosts(t);
  t.code(a.shutdown(a.socket(), 3));
});

row("S-27", async (t) => {
  const fresh = await connected(t);
  const [own, peer] = [fresh.a.name(fresh.s).split(":")[0], fresh.a.name(fresh.s, true)];
  let same = true;
  for (const how of EVERY) {
    const p = await connected(t);
    p.a.shutdown(p.s, how);
    p.run(10);
    same = p.a.name(p.s).startsWith(`${own}:`) && same;
    t.code(p.a.err);
    same = p.a.name(p.s, true) === peer && same;
    t.code(p.a.err);
  }
  t.fact("names", same ? "unchanged" : "changed");
});

row("S-28", async (t) => {
  for (const [i, how] of EVERY.entries()) {
    const p = await connected(t);
    p.a.shutdown(p.s, how);
    p.run(50);
    const mark = p.mark();
    t.code(p.a.connect(p.s, B, PORT), p.a.connect(p.s, "10.0.0.3", 9));
    p.run(50);
    if (i === 0) t.wire(p.log, p.since(mark));
    else if (p.since(mark).length > 0) throw new Error("a refused connect put something on the wire");
  }
});

row("S-29", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_BOTH);
  p.run(50);
  t.code(p.a.connect(p.s, B, PORT));
  t.result(p.a.send(p.s, "x"), p.a.err);
  t.result(p.a.recv(p.s), p.a.err);
});

row("S-30", async (t) => {
  const p = await connected(t);
  p.b.setLinger(p.t, 1, 0);
  p.b.close(p.t);
  p.run(50);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_SEND));
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-31", async (t) => {
  const p = await scriptedConnection(t);
  // The peer never acknowledges again: the user timeout ends the connection.
  p.a.send(p.s, "unanswered");
  p.run(400_000);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_SEND));
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("S-32", async (t) => {
  for (const nonblocking of [false, true]) {
    const p = await connected(t, { link: { delayMs: 5 } });
    const sent = pattern(MANY);
    p.a.setLinger(p.s, 1, 30);
    // Filled without waiting: what does not fit is refused whole.
    p.a.nonblocking(p.s);
    let accepted = 0;
    for (let n = 0; n >= 0 && accepted < MANY; accepted += Math.max(n, 0)) n = p.a.send(p.s, sent.subarray(accepted, accepted + 30_000));
    p.a.nonblocking(p.s, nonblocking);
    const [mark, start] = [p.mark(), p.now];
    t.code(p.a.shutdown(p.s, SD_SEND));
    t.timing(p.now - start);
    t.state(p.a.state(p.s));
    const got = p.b.drain(p.t);
    t.peerBytes(got.bytes, sent.subarray(0, accepted));
    t.wire(p.log, p.since(mark));
  }
});

row("S-36", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_SEND);
  p.run(100);
  const mark = p.mark();
  p.run(4 * 3_600_000);
  t.result(p.a.recv(p.s), p.a.err);
  t.state(p.a.state(p.s));
  // Reading B says nothing of how the connection is dropped.
  if (t.reading === "A") t.wire(p.log, p.since(mark));
});

row("S-37", async (t) => {
  const p = await hosts(t);
  const kinds = ["fresh", "bound", "connected"] as const;
  const sockets = kinds.map((kind) => {
    const s = p.a.socket("udp");
    if (kind !== "fresh") p.a.bind(s, "0.0.0.0", kind === "bound" ? 5000 : 5001);
    if (kind === "connected") p.a.connect(s, B, 5002);
    return s;
  });
  p.run(50);
  const [mark, icmp, datagrams] = [p.mark(), p.log.icmp.length, p.log.datagrams.length];
  for (const s of sockets) t.code(p.a.shutdown(s, SD_RECEIVE));
  for (const s of sockets) t.result(p.a.recvFrom(s) ? 0 : -1, p.a.err);
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.fact("icmp", p.log.icmp.length - icmp + p.log.datagrams.length - datagrams);
});

row("S-38", async (t) => {
  const p = await hosts(t);
  const [s, from] = [p.a.socket("udp"), p.b.socket("udp")];
  p.a.bind(s, "0.0.0.0", 5000);
  p.a.shutdown(s, SD_RECEIVE);
  const icmp = p.log.icmp.length;
  const error = p.b.sendTo(from, "hello", "10.0.0.1", 5000);
  t.result(error ? -1 : p.b.word(SENT), error);
  p.run(100);
  t.result(p.a.recvFrom(s) ? 0 : -1, p.a.err);
  t.fact("icmp", p.log.icmp.length - icmp);
});

row("S-39", async (t) => {
  const p = await hosts(t);
  const [s, from] = [p.a.socket("udp"), p.b.socket("udp")];
  p.a.bind(s, "0.0.0.0", 5000);
  const datagrams = p.log.datagrams.length;
  const mark = p.mark();
  t.code(p.a.shutdown(s, SD_SEND), p.a.shutdown(s, SD_SEND));
  t.code(p.a.sendTo(s, "x", B, 5002));
  p.run(50);
  if (p.log.datagrams.length !== datagrams) throw new Error("a datagram was sent");
  t.wire(p.log, p.since(mark));
  p.b.sendTo(from, "hello", "10.0.0.1", 5000);
  p.run(100);
  t.result(p.a.recvFrom(s)?.data, p.a.err);
});

row("S-40", async (t) => {
  const p = await hosts(t);
  const s = p.a.socket();
  p.a.close(s);
  t.code(p.a.shutdown(s, SD_SEND));
  p.a.cleanup();
  t.code(p.a.shutdown(s, SD_SEND));
});

row("S-41", async (t) => {
  const asked = W.POLLRDNORM | W.POLLWRNORM;
  const look = (spi: typeof p.a, s: number): string => spi.wsaPoll([[s, asked]]).revents[0] as string;
  const p = await connected(t);
  p.a.shutdown(p.s, SD_RECEIVE);
  p.run(50);
  t.fact("own.receive", look(p.a, p.s));
  t.fact("peer.receive", look(p.b, p.t));
  p.a.shutdown(p.s, SD_SEND);
  p.run(50);
  t.fact("own.send", look(p.a, p.s));
  t.fact("peer.send", look(p.b, p.t));
  const again = await connected(t);
  again.a.send(again.s, "unread");
  again.a.shutdown(again.s, SD_SEND);
  again.run(50);
  t.fact("peer.unread", look(again.b, again.t));
});

row("S-42", async (t) => {
  const p = await connected(t, { link: { delayMs: 5 } });
  const [own, peer] = [p.a.event(), p.b.event()];
  p.a.select(p.s, own, FD_CLOSE);
  p.b.select(p.t, peer, FD_CLOSE);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_SEND));
  p.run(100);
  t.code(p.b.shutdown(p.t, SD_SEND));
  p.run(100);
  t.state(p.a.state(p.s), p.b.state(p.t));
  t.own(p.a.enumerate(p.s, own));
  t.peer(p.b.enumerate(p.t, peer));
  t.wire(p.log, p.since(mark));
  const ends = p.a.recv(p.s)?.length === 0 && p.b.recv(p.t)?.length === 0 && p.a.recv(p.s)?.length === 0;
  t.fact("handles", ends ? "valid" : "dead");
});

row("S-43", async (t) => {
  const p = await connected(t, { link: { delayMs: 20 } });
  const [own, peer] = [p.a.event(), p.b.event()];
  p.a.select(p.s, own, FD_CLOSE);
  p.b.select(p.t, peer, FD_CLOSE);
  const mark = p.mark();
  t.code(p.a.shutdown(p.s, SD_SEND));
  p.run(1);
  t.code(p.b.shutdown(p.t, SD_SEND));
  p.run(29);
  t.state(p.a.state(p.s), p.b.state(p.t));
  p.run(100);
  t.state(p.a.state(p.s), p.b.state(p.t));
  t.own(p.a.enumerate(p.s, own));
  t.peer(p.b.enumerate(p.t, peer));
  t.wire(p.log, p.since(mark));
});

row("S-44", async (t) => {
  const p = await connected(t);
  const event = p.a.event();
  p.a.setLinger(p.s, 1, 44);
  p.a.select(p.s, event, FD_CLOSE);
  for (const how of EVERY) p.a.shutdown(p.s, how);
  p.run(50);
  t.fact("descriptor", p.a.name(p.s) === "" ? "dead" : "valid");
  t.fact("options", p.a.getOption(p.s, SOL_SOCKET, SO_LINGER) === (1 | (44 << 16)) ? "kept" : "lost");
  p.b.shutdown(p.t, SD_SEND);
  p.run(50);
  t.fact("registration", p.a.isSet(event) && p.a.enumerate(p.s, event)?.["FD_CLOSE"] === 0 ? "kept" : "lost");
});
