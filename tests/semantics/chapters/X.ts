/** Bad input: which error wins. */
import assert from "node:assert/strict";
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { duplicateErrors, everyEntry } from "../support/calls.ts";
import { A, B, connected, hosts, PORT } from "../support/hosts.ts";
import { Overlaps } from "../support/overlapped.ts";
import type { Provider } from "../support/provider.ts";

const { IPPROTO_TCP, SD_SEND, SOL_SOCKET } = W;
const AF_INET6 = 23;
/** An address behind the end of linear memory, 64 KiB below the top of the address space. */
const UNMAPPED = -65536;
/** A code that no ioctl has. */
const UNKNOWN_IOCTL = 0x12345678;

row("X-01", async (t) => {
  const { a } = await hosts(t, { startup: false });
  t.code(...everyEntry(a, 1));
});

row("X-02", async (t) => {
  const { a } = await hosts(t);
  for (const handle of [W.INVALID_SOCKET, 0, a.event()]) {
    t.code(a.close(handle), a.shutdown(handle, SD_SEND));
    t.result(a.recv(handle), a.err);
    t.result(a.send(handle, "x"), a.err);
  }
});

row("X-03", async (t) => {
  const p = await connected(t);
  t.code(p.a.shutdown(p.s, 3), p.a.shutdown(p.s, -1));
});

row("X-04", async (t) => {
  const { a } = await hosts(t);
  t.code(a.shutdown(a.socket(), SD_SEND));
});

row("X-05", async (t) => {
  const { a } = await hosts(t);
  for (const kind of ["tcp", "udp"] as const) t.result(a.send(a.socket(kind), "x"), a.err);
});

row("X-06", async (t) => {
  const { a } = await hosts(t);
  for (const kind of ["tcp", "udp"] as const) t.result(a.recv(a.socket(kind)), a.err);
});

row("X-07", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  for (const pointer of [0, UNMAPPED]) t.code(a.code("WSPSetSockOpt", s, SOL_SOCKET, W.SO_SNDBUF, pointer, 4));
});

row("X-08", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  for (const option of [W.SO_RCVBUF, W.SO_LINGER]) {
    for (const length of [0, 1, 2]) t.code(a.setBytes(s, SOL_SOCKET, option, [1, 0, 0, 0], length));
  }
  for (const option of [W.TCP_NODELAY, W.TCP_KEEPALIVE]) t.code(a.setBytes(s, IPPROTO_TCP, option, [1, 0, 0, 0], 0));
});

row("X-09", async (t) => {
  const { a } = await hosts(t);
  t.code(a.setBytes(a.socket(), SOL_SOCKET, W.SO_KEEPALIVE, [1, 0, 0, 0], 0));
});

row("X-10", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  for (const option of [W.SO_RCVBUF, W.SO_LINGER]) t.code(a.setBytes(s, SOL_SOCKET, option, [0, 32, 0, 0], -1));
  t.code(a.setBytes(s, IPPROTO_TCP, W.TCP_NODELAY, [1, 0, 0, 0], -1));
});

row("X-11", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  for (const length of [0, -1]) t.code(a.getBytes(s, SOL_SOCKET, W.SO_RCVBUF, length).code);
  t.code(a.code("WSPGetSockOpt", s, SOL_SOCKET, W.SO_RCVBUF, 0, a.pokeWord(4)));
});

row("X-12", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.getBytes(s, SOL_SOCKET, 0x1234, 4).code, a.setOption(s, SOL_SOCKET, 0x1234, 1));
});

row("X-13", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.getBytes(s, 0x1234, 1, 4).code, a.setOption(s, 0x1234, 1, 1));
});

row("X-14", async (t) => {
  const { a } = await hosts(t);
  t.code(a.code("WSPIoctl", a.socket(), W.FIONBIO, UNMAPPED, 4, 0, 0, a.scratch, 0, 0, 0));
});

row("X-15", async (t) => {
  const { a } = await hosts(t);
  t.code(a.code("WSPIoctl", a.socket(), W.FIONBIO, a.pokeWord(1), 4, 0, 0, 0, 0, 0, 0));
});

row("X-16", async (t) => {
  const { a } = await hosts(t);
  t.code(a.ioctl(a.socket(), UNKNOWN_IOCTL, 0));
});

row("X-18", async (t) => {
  const p = await connected(t);
  p.a.pokeWord(1);
  p.a.pokeWord(p.a.scratch + 64, 4);
  t.code(p.a.code("WSPSend", p.s, p.a.scratch, 1, 0, 0, 0, 0, 0));
});

row("X-19", async (t) => {
  const p = await connected(t);
  p.a.pokeWord(0, 16);
  t.code(p.a.code("WSPRecv", p.s, p.a.scratch, 0, p.a.scratch + 8, p.a.scratch + 16, 0, 0, 0));
});

row("X-20", async (t) => {
  const { a } = await hosts(t);
  t.code(a.listen(a.socket()), a.listen(a.socket(), -1), a.listen(a.socket("udp")));
});

row("X-21", async (t) => {
  const p = await hosts(t);
  const listener = p.b.listener(PORT);
  const s = p.a.socket();
  p.until(p.a, () => p.a.connect(s, B, PORT));
  p.run(50);
  const length = p.b.pokeWord(0);
  p.b.nonblocking(listener);
  t.result(p.b.call("WSPAccept", listener, p.b.scratch + 64, length, 0, 0) >>> 0, p.b.err);
  t.fact("addrlen", p.b.scratchWord());
});

/** A sockaddr_in with this family. */
function sockaddr(family: number): number[] {
  return [family, 0, 0, 80, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
}

row("X-22", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  a.bind(s, A, PORT);
  t.code(a.bind(s, A, PORT + 1));
  t.code(a.code("WSPBind", a.socket(), a.poke(sockaddr(AF_INET6)), 28));
  t.code(a.code("WSPBind", a.socket(), a.poke(sockaddr(W.AF_INET)), 8));
  t.code(a.bind(a.socket(), "192.0.2.1", PORT));
});

row("X-23", async (t) => {
  const p = await connected(t, { link: { delayMs: 20 } });
  const connecting = p.a.socket();
  p.a.nonblocking(connecting);
  p.a.connect(connecting, B, PORT);
  t.code(p.a.connect(connecting, B, PORT), p.a.connect(p.s, B, PORT));
  p.a.shutdown(p.s, W.SD_BOTH);
  t.code(p.a.connect(p.s, B, PORT));
});

/** WSPGetSockName or WSPGetPeerName with room for `length` bytes. */
function name(a: Provider, entry: string, s: number, length: number): number {
  return a.code(entry, s, a.scratch + 64, a.pokeWord(length));
}

row("X-24", async (t) => {
  const { a } = await hosts(t);
  t.code(name(a, "WSPGetSockName", a.socket(), 16));
  const s = a.socket();
  a.bind(s, A, PORT);
  t.code(name(a, "WSPGetSockName", s, 8));
});

row("X-25", async (t) => {
  const p = await connected(t);
  const s = p.a.socket();
  t.code(name(p.a, "WSPGetPeerName", s, 16), p.a.code("WSPGetPeerName", s, 0, 0), p.a.code("WSPGetPeerName", p.s, 0, 0));
});

row("X-26", async (t) => {
  const { a } = await hosts(t);
  t.code(a.select(a.socket(), 0, W.FD_READ));
});

row("X-27", async (t) => {
  const { a } = await hosts(t);
  t.code(a.code("WSPEnumNetworkEvents", a.socket(), 0, 0));
});

row("X-28", async (t) => {
  const { a } = await hosts(t);
  t.code(...duplicateErrors(a));
});

row("X-30", async (t) => {
  const p = await connected(t);
  // A number that WSPDuplicateSocket never gave out.
  const raw = p.s ^ 0x40000000;
  t.result(p.a.send(raw, "x"), p.a.err);
  t.result(p.a.recv(raw), p.a.err);
});

row("X-31", async (t) => {
  const { a } = await hosts(t);
  const make = (family: number, type: number, protocol: number): void => t.result(a.call("WSPSocket", family, type, protocol, 0, 0, 1) >>> 0, a.err);
  make(99, W.SOCK_STREAM, 0);
  make(W.AF_INET, 99, 0);
  make(W.AF_INET, W.SOCK_STREAM, 99);
  make(99, 99, 99);
  make(99, W.SOCK_STREAM, 99);
});

row("X-32", async (t) => {
  const { a } = await hosts(t);
  t.result(a.call("WSPSocket", W.AF_INET, W.SOCK_STREAM, W.IPPROTO_UDP, 0, 0, 1) >>> 0, a.err);
});

row("X-33", async (t) => {
  const p = await connected(t);
  const buffer = p.a.poke(new TextEncoder().encode("hello"), 64);
  const to = p.a.poke([2, 0, 0, 9, 192, 0, 2, 99, 0, 0, 0, 0, 0, 0, 0, 0], 32);
  p.a.pokeWord(5);
  p.a.pokeWord(buffer, 4);
  const error = p.a.code("WSPSendTo", p.s, p.a.scratch, 1, p.a.scratch + 8, 0, to, 16, 0, 0, 0);
  t.result(error ? -1 : p.a.scratchWord(8), error);
  p.run(50);
  t.peerBytes(p.b.recv(p.t) ?? new Uint8Array(0), new TextEncoder().encode("hello"));
});

row("X-34", async (t) => {
  const p = await connected(t);
  p.a.setOption(p.s, SOL_SOCKET, W.SO_OOBINLINE, 1);
  t.result(p.a.recv(p.s, 16, W.MSG_OOB), p.a.err);
});

row("X-35", async (t) => {
  const p = await connected(t);
  p.a.nonblocking(p.s);
  t.result(p.a.recv(p.s, 16, W.MSG_WAITALL), p.a.err);
});

row("X-36", async (t) => {
  const p = await connected(t);
  // lpErrno holds an old code before the call.
  const errno = p.a.pokeWord(10054);
  t.returned(p.a.raw("WSPShutdown", p.s, SD_SEND, errno));
  t.fact("error", p.a.scratchWord());
});

row("X-37", async (t) => {
  const { a } = await hosts(t);
  t.returned(a.raw("WSPCloseSocket", 12345, 0));
  t.returned(a.raw("WSPCloseSocket", 12345, UNMAPPED));
  const s = a.socket();
  assert.notEqual(s, W.INVALID_SOCKET);
  t.fact("alive", a.close(s) === 0);
});

row("X-17", async (t) => {
  const { a } = await hosts(t);
  const ov = new Overlaps(a);
  const s = a.socket();
  t.code(ov.ioctl(s, 0, 0x28000999));
  t.own(ov.result(s));
});

row("X-29", async (t) => {
  const { a } = await hosts(t);
  const ov = new Overlaps(a);
  ov.result(0x7fff);
  t.returned(`0/${a.err}`);
});
