/** Handle lifetime, duplication, provider start-up. */
import assert from "node:assert/strict";
import * as W from "../../../host/abi/winsock.gen.ts";
import type { Check } from "../check.ts";
import { row } from "../registry.ts";
import { duplicateErrors, everyEntry, reissue } from "../support/calls.ts";
import { type Connected, connected, hosts } from "../support/hosts.ts";
import { Overlaps } from "../support/overlapped.ts";
import { bytesOf, type Provider } from "../support/provider.ts";

const { FD_READ, SD_SEND, SOL_SOCKET } = W;
/** Where WSAPROTOCOL_INFO has them. */
const INFO = { family: 76, type: 88, protocol: 92 } as const;
const FROM_PROTOCOL_INFO = -1;

/** A connection whose acting end has two descriptors. */
async function twins(t: Check, options: Parameters<typeof connected>[1] = {}): Promise<Connected & { twin: number }> {
  const p = await connected(t, options);
  return Object.assign(p, { twin: p.a.duplicate(p.s) });
}

/** What arrived at the peer, which reads without waiting. */
function arrived(p: Connected): Uint8Array {
  p.run(100);
  return p.b.recv(p.t) ?? new Uint8Array(0);
}

row("H-01", async (t) => {
  const p = await connected(t);
  t.code(p.a.close(p.s), p.a.close(p.s), p.b.close(p.t), p.b.close(p.t));
});

row("H-02", async (t) => {
  const p = await connected(t);
  t.code(p.a.describe(p.s));
  t.fact("family", p.a.scratchWord(INFO.family));
  t.fact("type", p.a.scratchWord(INFO.type));
  t.fact("protocol", p.a.scratchWord(INFO.protocol));
  // Nothing was opened from the description: the one descriptor is the last one.
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(10);
  t.wire(p.log, p.since(mark));
});

row("H-03", async (t) => {
  const p = await connected(t);
  const opened: number[] = [];
  for (const [name, from] of [["zero", 0], ["fromInfo", FROM_PROTOCOL_INFO]] as const) {
    t.code(p.a.describe(p.s));
    const twin = p.a.fromDescription(from);
    t.fact(name, twin !== p.s && p.a.name(twin) === p.a.name(p.s) && p.a.name(twin) !== "" ? "shared" : `error ${p.a.err}`);
    opened.push(twin);
  }
  assert.equal(p.a.close(p.s), 0);
  for (const twin of opened) t.result(p.a.send(twin, "alive"), p.a.err);
  t.peerBytes(arrived(p), new TextEncoder().encode("alivealive"));
});

row("H-04", async (t) => {
  const p = await connected(t);
  assert.equal(p.a.describe(p.s), 0);
  const copy = p.a.scratchBytes(W.SIZEOF_WSAPROTOCOL_INFOW);
  assert.notEqual(p.a.fromDescription(), W.INVALID_SOCKET);
  p.a.poke(copy);
  t.result(p.a.fromDescription(), p.a.err);
});

row("H-05", async (t) => {
  const { a } = await hosts(t);
  t.code(...duplicateErrors(a));
});

row("H-06", async (t) => {
  const p = await twins(t);
  const event = p.b.event();
  p.b.select(p.t, event, W.FD_CLOSE);
  p.a.setLinger(p.s, 1, 30);
  const [mark, start] = [p.mark(), p.now];
  t.code(p.a.close(p.s));
  t.timing(p.now - start);
  p.run(1000);
  t.wire(p.log, p.since(mark));
  t.peer(p.b.enumerate(p.t, event));
  t.result(p.a.send(p.s, "x"), p.a.err);
  t.result(p.a.send(p.twin, "alive"), p.a.err);
  t.peerBytes(arrived(p), new TextEncoder().encode("alive"));
});

row("H-07", async (t) => {
  const p = await twins(t);
  p.a.close(p.s);
  p.run(10);
  const mark = p.mark();
  t.code(p.a.close(p.twin));
  p.run(100);
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("H-08", async (t) => {
  const p = await twins(t);
  p.a.setLinger(p.s, 1, 0);
  let mark = p.mark();
  const step = (): void => {
    p.run(100);
    t.wire(p.log, p.since(mark));
    mark = p.mark();
  };
  t.code(p.a.close(p.s));
  step();
  t.result(p.a.send(p.twin, "flows"), p.a.err);
  step();
  t.peerBytes(p.b.recv(p.t) ?? new Uint8Array(0), new TextEncoder().encode("flows"));
  t.code(p.a.close(p.twin));
  step();
  t.peerReceived(p.b.recv(p.t), p.b.err);
});

row("H-09", async (t) => {
  const p = await twins(t, { configB: { recvBuffer: 2048 } });
  p.a.nonblocking(p.s);
  p.a.setLinger(p.s, 1, 30);
  p.a.send(p.s, 20_000);
  p.run(100);
  const mark = p.mark();
  t.code(p.a.close(p.s), p.a.close(p.twin));
  p.run(100);
  t.wire(p.log, p.since(mark));
});

row("H-10", async (t) => {
  const p = await twins(t);
  t.code(p.a.shutdown(p.s, SD_SEND));
  t.result(p.a.send(p.twin, "x"), p.a.err);
});

row("H-11", async (t) => {
  const p = await twins(t);
  const event = p.a.event();
  t.code(p.a.setLinger(p.s, 1, 30), p.a.nonblocking(p.s));
  t.fact("SO_LINGER", p.a.linger(p.twin));
  t.code(p.a.select(p.s, event, FD_READ));
  t.result(p.a.recv(p.twin), p.a.err);
  p.b.send(p.t, "news");
  p.run(100);
  t.own(p.a.enumerate(p.twin, event));
});

row("H-15", async (t) => {
  const p = await hosts(t);
  const s = p.a.socket("udp");
  const twin = p.a.duplicate(s);
  assert.equal(p.a.bind(s, "0.0.0.0", 5000), 0);
  p.b.sendTo(p.b.socket("udp"), "hello", "10.0.0.1", 5000);
  p.run(100);
  t.result(p.a.recv(twin), p.a.err);
});

row("H-16", async (t) => {
  const p = await twins(t);
  const mark = p.mark();
  t.code(p.a.cleanup(), p.a.startup());
  p.run(100);
  t.code(p.a.close(p.s), p.a.close(p.twin));
  t.wire(p.log, p.since(mark));
  t.peerReceived(p.b.recv(p.t), p.b.err);
});

row("H-18", async (t) => {
  const { a } = await hosts(t);
  const { code, reissued } = reissue(a);
  t.code(code);
  t.fact("reissued", reissued);
});

row("H-19", async (t) => {
  const p = await connected(t, { configB: { recvBuffer: 2048 } });
  p.a.send(p.s, 20_000);
  p.run(100);
  t.code(p.a.close(p.s));
  p.run(100);
  t.fact("orphans", p.a.raw("orphans"));
  t.fact("buffers", p.holds("a", p.port) ? "held" : "freed");
  const exclusive = p.a.socket();
  p.a.setOption(exclusive, SOL_SOCKET, W.SO_EXCLUSIVEADDRUSE, 1);
  t.code(p.a.bind(exclusive, "0.0.0.0", p.port));
  assert.deepEqual(p.b.drain(p.t).bytes, bytesOf(20_000));
  p.b.close(p.t);
  // TIME_WAIT is no activity (O-18).
  p.run(1000);
  t.fact("later", p.a.raw("orphans"));
  t.code(p.a.bind(exclusive, "0.0.0.0", p.port));
});

/** WSPStartup asking for a version: the result, wVersion and wHighVersion as major.minor. */
function startup(a: Provider, major: number, minor: number): { returned: number; version: string; high: string } {
  const returned = a.raw("WSPStartup", major | (minor << 8), a.scratch, 0, 0, a.scratch + 1024);
  const words = a.scratchWord();
  const text = (word: number): string => `${word & 0xff}.${word >>> 8}`;
  return { returned, version: text(words & 0xffff), high: text(words >>> 16) };
}

row("H-20", async (t) => {
  const { a } = await hosts(t, { startup: false });
  for (const [major, minor] of [[1, 1], [2, 1]] as const) t.returned(startup(a, major, minor).returned);
  const exact = startup(a, 2, 2);
  t.returned(exact.returned);
  t.fact("wVersion", exact.version);
  t.fact("wHighVersion", exact.high);
  const above = startup(a, 3, 0);
  t.returned(above.returned);
  t.fact("above", above.version);
});

row("H-21", async (t) => {
  const p = await connected(t);
  assert.equal(p.a.startup(), 0);
  t.code(p.a.cleanup());
  t.result(p.a.send(p.s, "alive"), p.a.err);
  p.run(10);
  assert.equal(p.b.text(p.t), "alive");
  t.code(p.a.cleanup());
  p.run(100);
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.code(p.a.cleanup());
});

row("H-22", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  a.cleanup();
  t.code(...everyEntry(a, s));
});

row("H-23", async (t) => {
  const { a } = await hosts(t, { startup: false });
  t.returned(a.raw("WSPStartup", 0x0202, 0, 0, 0, a.scratch));
  t.returned(a.raw("WSPStartup", 0x0202, a.scratch, 0, 0, 0));
});

/** Entries of WSPPROC_TABLE in the order of K.6. */
const PROC_TABLE = [
  "WSPAccept", "WSPAddressToString", "WSPAsyncSelect", "WSPBind", "WSPCancelBlockingCall", "WSPCleanup", "WSPCloseSocket", "WSPConnect",
  "WSPDuplicateSocket", "WSPEnumNetworkEvents", "WSPEventSelect", "WSPGetOverlappedResult", "WSPGetPeerName", "WSPGetSockName",
  "WSPGetSockOpt", "WSPGetQOSByName", "WSPIoctl", "WSPJoinLeaf", "WSPListen", "WSPRecv", "WSPRecvDisconnect", "WSPRecvFrom", "WSPSelect",
  "WSPSend", "WSPSendDisconnect", "WSPSendTo", "WSPSetSockOpt", "WSPShutdown", "WSPSocket", "WSPStringToAddress",
];

row("H-24", async (t) => {
  const { a } = await hosts(t);
  a.poke(new Uint8Array(120), 1024);
  t.code(a.raw("WSPStartup", 0x0202, a.scratch, 0, 0, a.scratch + 1024));
  const entries = PROC_TABLE.map((_, i) => a.scratchWord(1024 + 4 * i));
  t.fact("filled", entries.filter((entry) => entry !== 0).length);
  const wrong = PROC_TABLE.filter((name, i) => !a.isEntry(entries[i] as number, name));
  t.fact("order", wrong.length === 0 ? "K.6" : `not ${wrong.join(" ")}`);
});

row("H-12", async (t) => {
  const p = await twins(t);
  const ov = new Overlaps(p.a);
  assert.equal(ov.recv(p.s), 997);
  t.code(p.a.close(p.s));
  p.run(100);
  t.own(ov.result(p.twin));
  p.a.close(p.twin);
  t.own(ov.record());
});

row("H-13", async (t) => {
  const p = await twins(t);
  const ov = new Overlaps(p.a);
  assert.equal(ov.recv(p.twin), 997);
  t.code(p.a.close(p.s));
  p.run(100);
  t.own(ov.result(p.twin));
});

row("H-14", async (t) => {
  const p = await twins(t);
  const ov = new Overlaps(p.a);
  const KEY_OF_A = 0xa;
  const port = ov.port(p.s, KEY_OF_A);
  assert.equal(ov.recv(p.twin), 997);
  p.b.send(p.t, "bytes");
  p.run(100);
  assert.equal(ov.packet(port), "completion:0:5");
  t.fact("key", ov.key === KEY_OF_A ? "A" : ov.key);
});
