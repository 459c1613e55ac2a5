/** Other socket options that touch teardown. */
import assert from "node:assert/strict";
import { LASTACK_WAIT } from "../../../host/abi/errors.gen.ts";
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { A, B, type Hosts, connected, hosts, PORT, scriptedAccept, scriptedConnection } from "../support/hosts.ts";
import { Overlaps } from "../support/overlapped.ts";
import { bytesOf, type Provider } from "../support/provider.ts";
import { accept, callIn, decide, refused } from "../support/situations.ts";

const { CF_DEFER, CF_REJECT, SO_ERROR, SO_EXCLUSIVEADDRUSE, SO_REUSEADDR, SOL_SOCKET } = W;

/** A bound socket with one Boolean option set, or none; and the code of its bind. */
function bound(a: Provider, option: number, address: string, port = PORT): { s: number; code: number } {
  const s = a.socket();
  if (option) assert.equal(a.setOption(s, SOL_SOCKET, option, 1), 0);
  return { s, code: a.bind(s, address, port) };
}

row("O-01", async (t) => {
  const { a } = await hosts(t);
  const value = a.option(a.socket(), SO_ERROR);
  t.code(a.err);
  t.fact("SO_ERROR", value);
});

row("O-02", async (t) => {
  const p = await hosts(t);
  const s = refused(p);
  for (const name of ["first", "second"]) {
    const value = p.a.option(s, SO_ERROR);
    t.code(p.a.err);
    t.fact(name, value);
  }
});

row("O-03", async (t) => {
  const p = await hosts(t, { link: { delayMs: 20 } });
  const s = refused(p);
  assert.equal(p.a.connect(s, B, PORT), 10035);
  const value = p.a.option(s, SO_ERROR);
  t.code(p.a.err);
  t.fact("SO_ERROR", value);
});

row("O-04", async (t) => {
  const p = await hosts(t);
  const s = refused(p);
  p.b.listener(PORT);
  assert.equal(p.a.connect(s, B, PORT), 10035);
  p.run(100);
  assert.equal(p.a.state(s), "ESTABLISHED");
  const value = p.a.option(s, SO_ERROR);
  t.code(p.a.err);
  t.fact("SO_ERROR", value);
});

row("O-05", async (t) => {
  const p = await hosts(t);
  const s = p.a.socket();
  t.code(p.until(p.a, () => p.a.connect(s, B, PORT)));
  const value = p.a.option(s, SO_ERROR);
  t.code(p.a.err);
  t.fact("SO_ERROR", value);
});

row("O-06", async (t) => {
  const p = await connected(t);
  p.b.setLinger(p.t, 1, 0);
  p.b.close(p.t);
  p.run(100);
  const value = p.a.option(p.s, SO_ERROR);
  t.code(p.a.err);
  t.fact("SO_ERROR", value);
});

row("O-07", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.setOption(s, SOL_SOCKET, SO_ERROR, 1234));
  const value = a.option(s, SO_ERROR);
  t.code(a.err);
  t.fact("SO_ERROR", value);
});

row("O-08", async (t) => {
  const { a } = await hosts(t);
  t.code(a.getBytes(a.socket(), SOL_SOCKET, SO_ERROR, 1).code);
});

row("O-09", async (t) => {
  const { a } = await hosts(t);
  bound(a, 0, A);
  t.code(bound(a, SO_REUSEADDR, A).code);
});

row("O-10", async (t) => {
  const { a } = await hosts(t);
  bound(a, 0, A);
  t.code(bound(a, 0, A).code);
});

/** Which of two listeners of a gets a connection from b: its name, or "none". */
function served(p: Hosts, listeners: Readonly<Record<string, number>>): string {
  const s = p.b.socket();
  p.b.connect(s, A, PORT);
  p.run(100);
  for (const [name, listener] of Object.entries(listeners)) {
    p.a.nonblocking(listener);
    p.a.accept(listener);
    if (p.a.err === 0) return name;
  }
  return "none";
}

row("O-11", async (t) => {
  const p = await hosts(t);
  const one = bound(p.a, SO_REUSEADDR, "0.0.0.0");
  t.code(one.code, p.a.listen(one.s));
  const two = bound(p.a, SO_REUSEADDR, "0.0.0.0");
  t.code(two.code, p.a.listen(two.s));
  t.fact("first", served(p, { s2: two.s, s1: one.s }));
  p.a.close(one.s);
  t.fact("afterwards", served(p, { s2: two.s }));
});

row("O-12", async (t) => {
  const p = await hosts(t);
  const wildcard = bound(p.a, 0, "0.0.0.0");
  t.code(wildcard.code, p.a.listen(wildcard.s));
  const specific = bound(p.a, 0, A);
  t.code(specific.code, p.a.listen(specific.s));
  t.fact("served", served(p, { wildcard: wildcard.s, specific: specific.s }));
});

row("O-13", async (t) => {
  const { a } = await hosts(t);
  for (const [first, second] of [[SO_REUSEADDR, SO_EXCLUSIVEADDRUSE], [SO_EXCLUSIVEADDRUSE, SO_REUSEADDR]] as const) {
    const s = a.socket();
    assert.equal(a.setOption(s, SOL_SOCKET, first, 1), 0);
    t.code(a.setOption(s, SOL_SOCKET, second, 1));
  }
});

row("O-14", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  a.setOption(s, SOL_SOCKET, SO_REUSEADDR, 1);
  a.setOption(s, SOL_SOCKET, SO_REUSEADDR, 0);
  t.code(a.setOption(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1));
});

row("O-15", async (t) => {
  const { a } = await hosts(t);
  assert.equal(bound(a, SO_EXCLUSIVEADDRUSE, A).code, 0);
  t.code(bound(a, 0, A).code, bound(a, SO_EXCLUSIVEADDRUSE, A).code);
});

row("O-16", async (t) => {
  const { a } = await hosts(t);
  assert.equal(bound(a, SO_EXCLUSIVEADDRUSE, "0.0.0.0").code, 0);
  t.code(bound(a, SO_REUSEADDR, "0.0.0.0").code);
});

row("O-17", async (t) => {
  const p = await connected(t);
  p.b.close(p.listener);
  const exclusive = p.b.socket();
  p.b.setOption(exclusive, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
  t.code(p.b.bind(exclusive, "0.0.0.0", PORT));
  p.a.close(p.s);
  p.run(10);
  p.b.close(p.t);
  p.run(10);
  t.code(p.b.bind(exclusive, "0.0.0.0", PORT));
});

row("O-18", async (t) => {
  const p = await connected(t);
  p.b.close(p.listener);
  p.b.close(p.t);
  p.run(10);
  p.a.close(p.s);
  p.run(100);
  assert.equal(p.wireState("b", PORT), "TIME_WAIT");
  const s = p.b.socket();
  t.code(p.b.bind(s, "0.0.0.0", PORT), p.b.listen(s));
});

row("O-19", async (t) => {
  const p = await scriptedAccept(t);
  p.a.close(p.t);
  p.run(10);
  p.peer.take();
  p.peer.send("FIN,ACK");
  p.run(10);
  assert.equal(p.wireState("a", PORT), "TIME_WAIT");
  const mark = p.mark();
  p.peer.send("SYN", { seq: p.peer.sndNxt + 100_000 });
  p.run(10);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", PORT));
});

row("O-20", async (t) => {
  const p = await scriptedConnection(t);
  p.a.shutdown(p.s, W.SD_SEND);
  p.run(10);
  p.peer.take();
  p.peer.send("FIN,ACK");
  p.run(100);
  assert.equal(p.a.state(p.s), "TIME_WAIT");
  const mark = p.mark();
  p.peer.send("RST");
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("O-21", async (t) => {
  const p = await hosts(t);
  const listener = p.a.socket();
  p.a.setOption(listener, SOL_SOCKET, W.SO_CONDITIONAL_ACCEPT, 1);
  p.a.bind(listener, "0.0.0.0", PORT);
  p.a.listen(listener);
  const s = p.b.socket();
  p.b.connect(s, A, PORT);
  p.run(50);
  decide(p.a, listener, CF_REJECT);
  t.result(p.a.accept(listener, 1), p.a.err);
  t.peer(`connect:${p.until(p.b, () => p.b.connect(s, A, PORT))}`);
  t.wire(p.log, p.since(0));
});

row("O-22", async (t) => {
  const p = await hosts(t);
  const listener = p.a.listener(PORT);
  const s = p.b.socket();
  t.peer(`connect:${p.until(p.b, () => p.b.connect(s, A, PORT))}`);
  p.run(50);
  const mark = p.mark();
  decide(p.a, listener, CF_REJECT);
  t.result(p.a.accept(listener, 1), p.a.err);
  p.run(50);
  t.peerReceived(p.b.recv(s), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("O-23", async (t) => {
  const p = await hosts(t);
  const listener = p.a.listener(PORT);
  const s = p.b.socket();
  p.until(p.b, () => p.b.connect(s, A, PORT));
  p.run(50);
  decide(p.a, listener, CF_DEFER);
  t.result(p.a.accept(listener, 1), p.a.err);
  const child = p.a.accept(listener);
  t.fact("later", p.a.err === 0 && p.a.state(child) === "ESTABLISHED" ? "accepted" : `error ${p.a.err}`);
});

row("O-24", async (t) => {
  const { a } = await hosts(t);
  t.code(a.setOption(a.listener(PORT), SOL_SOCKET, W.SO_CONDITIONAL_ACCEPT, 1));
});

row("O-25", async (t) => {
  const p = await hosts(t);
  const listener = p.a.listener(PORT);
  const event = p.a.event();
  p.a.select(listener, event, W.FD_ACCEPT);
  const s = p.b.socket();
  p.until(p.b, () => p.b.connect(s, A, PORT));
  p.run(50);
  assert.deepEqual(p.a.enumerate(listener, event), { FD_ACCEPT: 0 });
  p.b.setLinger(s, 1, 0);
  p.b.close(s);
  p.run(50);
  t.result(p.a.accept(listener), p.a.err);
});

row("O-26", async (t) => {
  const { a } = await hosts(t);
  const event = a.event();
  t.code(a.getBytes(a.socket(), SOL_SOCKET, W.SO_OPENTYPE, 4).code, a.getBytes(event, SOL_SOCKET, W.SO_OPENTYPE, 4).code);
  t.code(a.getBytes(event, SOL_SOCKET, W.SO_LINGER, 4).code);
});

row("O-28", async (t) => {
  const { a } = await hosts(t);
  for (const kind of ["tcp", "udp"] as const) {
    const { code, bytes, optlen } = a.getBytes(a.socket(kind), SOL_SOCKET, W.SO_PROTOCOL_INFOW, 700);
    const word = (at: number): number => new DataView(Uint8Array.from(bytes).buffer).getUint32(at, true);
    t.code(code);
    t.fact(`${kind}.family`, word(76));
    t.fact(`${kind}.type`, word(88));
    t.fact(`${kind}.protocol`, word(92));
    t.fact(`${kind}.size`, optlen);
    t.fact(`${kind}.flags`, `0x${word(0).toString(16)}`);
  }
});

row("O-29", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  for (const [name, option, size] of [["W", W.SO_PROTOCOL_INFOW, 627], ["A", W.SO_PROTOCOL_INFOA, 371]] as const) {
    const { code, optlen } = a.getBytes(s, SOL_SOCKET, option, size);
    t.code(code);
    t.fact(name, optlen);
  }
});

row("O-30", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.setOption(s, SOL_SOCKET, W.SO_TYPE, 2), a.setOption(s, SOL_SOCKET, W.SO_ACCEPTCONN, 1));
});

row("O-31", async (t) => {
  const { a } = await hosts(t);
  t.code(a.setOption(a.socket("udp"), SOL_SOCKET, W.SO_TYPE, 1));
});

row("O-32", async (t) => {
  const p = await connected(t);
  const read = (name: string, s: number): void => {
    const value = p.a.option(s, W.SO_CONNECT_TIME);
    t.code(p.a.err);
    t.fact(name, value >>> 0);
  };
  read("unconnected", p.a.socket());
  p.run(2000);
  read("connected", p.s);
  read("udp", p.a.socket("udp"));
  p.a.shutdown(p.s, W.SD_BOTH);
  p.run(3000);
  read("shutdown", p.s);
});

row("O-33", async (t) => {
  const { a } = await hosts(t);
  const value = a.option(a.socket("udp"), W.SO_MAX_MSG_SIZE);
  t.code(a.err);
  t.fact("SO_MAX_MSG_SIZE", value);
});

row("O-34", async (t) => {
  const p = await hosts(t);
  const { a } = p;
  const listener = a.socket();
  a.setOption(listener, SOL_SOCKET, SO_REUSEADDR, 1);
  a.bind(listener, "0.0.0.0", PORT);
  a.listen(listener);
  const values = [
    ["SO_KEEPALIVE", W.SO_KEEPALIVE, 1], ["SO_OOBINLINE", W.SO_OOBINLINE, 1], ["SO_SNDBUF", W.SO_SNDBUF, 70_000],
    ["SO_RCVBUF", W.SO_RCVBUF, 80_000], ["SO_SNDTIMEO", W.SO_SNDTIMEO, 1500], ["SO_RCVTIMEO", W.SO_RCVTIMEO, 2500],
  ] as const;
  for (const [, option, value] of values) a.setOption(listener, SOL_SOCKET, option, value);
  a.setOption(listener, W.IPPROTO_TCP, W.TCP_NODELAY, 1);
  a.setLinger(listener, 1, 555);
  const event = a.event();
  a.select(listener, event, W.FD_ACCEPT | W.FD_READ);
  const s = p.b.socket();
  p.until(p.b, () => p.b.connect(s, A, PORT));
  p.run(50);
  const child = accept(a, listener);
  t.fact("SO_REUSEADDR", a.option(child, SO_REUSEADDR));
  for (const [name, option] of values) t.fact(name, a.option(child, option));
  t.fact("TCP_NODELAY", a.getOption(child, W.IPPROTO_TCP, W.TCP_NODELAY));
  t.fact("SO_LINGER", a.linger(child));
  p.b.send(s, "news");
  p.run(50);
  t.fact("event", a.isSet(event) && a.enumerate(child, event)?.["FD_READ"] === 0 ? "inherited" : "not registered");
});

row("O-36", async (t) => {
  const p = await connected(t, { link: { delayMs: 20 } });
  p.a.setOption(p.s, SOL_SOCKET, W.SO_SNDBUF, 0);
  const mark = p.mark();
  t.result(p.a.send(p.s, "hello"), p.a.err);
  assert.equal(p.a.err, LASTACK_WAIT);
  t.result(p.until(p.a, () => p.a.send(p.s, "hello")), p.a.err);
  const acknowledged = p.since(mark).find((s) => s.from === "b" && s.ack === s.peerFirst + 5);
  t.timing(p.now - (acknowledged?.due ?? 0));
});

row("O-37", async (t) => {
  const p = await connected(t);
  t.result(p.a.send(p.s, 1024 * 1024), p.a.err);
  const other = p.join(p.listener).s;
  p.a.nonblocking(other);
  t.result(p.a.send(other, 50 * 1024 * 1024), p.a.err);
  t.result(p.a.send(other, 50 * 1024 * 1024), p.a.err);
});

row("O-38", async (t) => {
  const p = await connected(t);
  for (const option of [W.SO_DONTROUTE, W.SO_DEBUG]) t.code(p.a.setOption(p.s, SOL_SOCKET, option, 1));
  t.result(p.a.send(p.s, "hello"), p.a.err);
  p.run(50);
  t.peerBytes(p.b.recv(p.t) ?? bytesOf(0), new TextEncoder().encode("hello"));
});

row("O-39", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  for (const option of [W.SO_RCVLOWAT, W.SO_SNDLOWAT]) t.code(a.getBytes(s, SOL_SOCKET, option, 4).code, a.setOption(s, SOL_SOCKET, option, 1));
});

row("O-40", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  // SO_CONNDATA to SO_DISCOPTLEN.
  for (let option = 0x7000; option <= 0x7007; option++) t.code(a.getBytes(s, SOL_SOCKET, option, 4).code, a.setOption(s, SOL_SOCKET, option, 1));
});

row("O-41", async (t) => {
  const p = await hosts(t);
  const listener = p.a.listener(PORT);
  assert.equal(p.a.setOption(listener, SOL_SOCKET, W.SO_PAUSE_ACCEPT, 1), 0);
  const s = p.b.socket();
  t.peer(`connect:${p.until(p.b, () => p.b.connect(s, A, PORT))}`);
  t.wire(p.log, p.since(0));
});

row("O-43", async (t) => {
  // The peer's host still answers for its address, its TCP does not.
  const p = await scriptedConnection(t);
  p.a.setOption(p.s, SOL_SOCKET, W.SO_KEEPALIVE, 1);
  p.peer.send("ACK", { data: "x" });
  p.run(100);
  p.a.recv(p.s);
  const event = p.a.event();
  p.a.select(p.s, event, W.FD_CLOSE);
  const idleSince = p.log.segments.filter((s) => s.from === "b").at(-1)?.due ?? 0;
  const mark = p.mark();
  p.world.runUntil(() => p.a.signaled.includes(event), 8_000_000);
  t.timing(p.now - idleSince);
  t.own(p.a.enumerate(p.s, event));
  t.result(p.a.recv(p.s), p.a.err);
  const probes = p.since(mark).filter((one) => one.from === "a" && p.log.tokens([one])[0]?.kind === "probe");
  const times = probes.map((one) => one.at);
  t.fact("probes", probes.length);
  t.fact("first", (times[0] as number) - idleSince);
  const gaps = new Set(times.slice(1).map((at, i) => at - (times[i] as number)));
  t.fact("apart", [...gaps].join(" "));
});

row("O-27", async (t) => {
  const p = await hosts(t);
  const listener = p.b.listener(PORT);
  assert.equal(p.a.setOption(p.a.socket(), SOL_SOCKET, W.SO_OPENTYPE, W.SO_SYNCHRONOUS_NONALERT), 0);
  // What socket() does: the flags follow from the option of the thread.
  const overlapped = p.a.getOption(0, SOL_SOCKET, W.SO_OPENTYPE) === 0;
  const s = p.a.call("WSPSocket", W.AF_INET, W.SOCK_STREAM, W.IPPROTO_TCP, 0, 0, overlapped ? W.WSA_FLAG_OVERLAPPED : 0) >>> 0;
  assert.equal(p.a.until(() => p.a.connect(s, B, PORT)), 0);
  const peer = p.b.until(() => p.b.accept(listener));
  const ov = new Overlaps(p.a);
  t.code(ov.recv(s));
  p.b.send(peer, "bytes");
  p.run(100);
  const code = ov.recv(s);
  t.result(code ? -1 : ov.count, code);
});

row("O-35", async (t) => {
  const p = await hosts(t);
  const ov = new Overlaps(p.a);
  const listener = p.a.listener(PORT);
  const s = p.a.socket();
  assert.equal(ov.accept(listener, s), "0/997");
  callIn(p);
  p.run(100);
  assert.equal(ov.result(listener), "completion:0:0");
  const shut = (): number => p.a.shutdown(s, W.SD_SEND);
  const named = (): number => {
    p.a.name(s);
    return p.a.err;
  };
  t.code(shut(), named());
  assert.equal(p.a.setOption(s, SOL_SOCKET, W.SO_UPDATE_ACCEPT_CONTEXT, listener), 0);
  t.code(named(), shut());
});
