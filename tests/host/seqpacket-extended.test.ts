/** AcceptEx, ConnectEx and DisconnectEx on SOCK_SEQPACKET: the first message with the connection, and the handle used again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as E from "../../host/abi/errors.gen.ts";
import { STATUS_CANCELLED, TF_REUSE_SOCKET } from "../../host/abi/overlapped.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import { writeSockaddr } from "../../host/core/index.ts";
import type { Spi } from "./support/spi.ts";
import {
  A, B, connectRequest, cores, dataTpdu, type Cores, type CoresOptions, disconnectRequest, message, octets, PORT, receive, sendDisconnect, text,
} from "./seqpacket-support.ts";

const NAME = 32;
/** Records of operation k: WSAOVERLAPPED, words for results, 400 bytes and two names. */
const record = (spi: Spi, k: number): number => ((spi.at + 768 + 20_000) & ~3) + 640 * k;
const bufferOf = (spi: Spi, k: number): number => record(spi, k) + 64;

function prepare(spi: Spi, k: number, data = ""): number {
  spi.core.memory.ensure();
  spi.core.memory.u8.fill(0, record(spi, k), record(spi, k) + 640);
  spi.core.memory.u8.set(octets(data), bufferOf(spi, k));
  return record(spi, k);
}

function acceptEx(spi: Spi, listener: number, acceptor: number, k: number, length: number): number {
  spi.call("AcceptEx", listener, acceptor, bufferOf(spi, k), length, NAME, NAME, 0, prepare(spi, k));
  return spi.err;
}

function connectEx(spi: Spi, s: number, k: number, data: string, address = B): number {
  const at = prepare(spi, k, data);
  const length = writeSockaddr(spi.core.memory.data, at + 32, address, PORT);
  spi.call("ConnectEx", s, at + 32, length, data ? bufferOf(spi, k) : 0, data.length, 0, at);
  return spi.err;
}

/** What WSPGetOverlappedResult says: [bytes, flags] or the error. */
function result(spi: Spi, s: number, k: number): number | [number, number] {
  const at = record(spi, k);
  return spi.call("WSPGetOverlappedResult", s, at, at + 20, 0, at + 24) ? [spi.core.memory.word(at + 20), spi.core.memory.word(at + 24)] : spi.err;
}

const inBuffer = (spi: Spi, k: number, length: number): string => text(spi.core.memory.u8.slice(bufferOf(spi, k), bufferOf(spi, k) + length));

/** A bound SOCK_SEQPACKET socket. */
function bound(spi: Spi): number {
  const s = spi.socket("messages");
  assert.equal(spi.bind(s, "0.0.0.0", 0), 0);
  return s;
}

interface Waiting extends Cores {
  readonly listener: number;
  readonly acceptor: number;
}

/** b has an AcceptEx under way as its operation 0. */
async function waiting(length: number, options: CoresOptions = {}): Promise<Waiting> {
  const made = await cores(options);
  const listener = made.b.listener(PORT, 8, "messages");
  const acceptor = made.b.socket("messages");
  assert.equal(acceptEx(made.b, listener, acceptor, 0, length), E.WSA_IO_PENDING);
  return Object.assign(made, { listener, acceptor });
}

const updateAccept = (spi: Spi, s: number, listener: number): number => spi.setOption(s, W.SOL_SOCKET, W.SO_UPDATE_ACCEPT_CONTEXT, listener);

test("ConnectEx sends its data as the first message, AcceptEx takes it with the connection; nobody hears FD_ACCEPT (E-73)", async () => {
  const { a, b, listener, acceptor, world } = await waiting(100);
  const event = b.event();
  b.select(listener, event, W.FD_ACCEPT);
  const s = bound(a);
  assert.equal(connectEx(a, s, 0, "hello"), E.WSA_IO_PENDING);
  world.runFor(50);
  assert.deepEqual(result(a, s, 0), [5, 0]);
  assert.deepEqual([result(b, listener, 0), inBuffer(b, 0, 5)], [[5, 0], "hello"]);
  assert.deepEqual(b.enumerate(listener, event), {});
  assert.equal(a.setOption(s, W.SOL_SOCKET, W.SO_UPDATE_CONNECT_CONTEXT, 0), 0);
  b.select(listener, 0, 0);
  assert.equal(b.nonblocking(listener, false), 0);
  assert.equal(updateAccept(b, acceptor, listener), 0);
  assert.equal(b.name(acceptor, true), a.name(s));
  a.send(s, "second");
  assert.equal(text(message(b, acceptor)), "second");
  b.send(acceptor, "back");
  assert.equal(text(message(a, s)), "back");
  assert.equal(sendDisconnect(a, s, octets("bye")), 0);
  assert.equal(message(b, acceptor), E.WSAEDISCON);
  a.close(s);
  b.close(acceptor);
  assert.deepEqual([a.report(s).outcome, b.report(acceptor).outcome], ["graceful", "graceful"]);
});

test("AcceptEx waits for a whole message; of one too long for its buffer it gives the first part, and says so", async () => {
  const { a, b, listener, acceptor, world } = await waiting(4);
  const s = a.socket("messages");
  assert.equal(a.until(() => a.connect(s, B, PORT)), 0);
  a.send(s, "ab", W.MSG_PARTIAL);
  world.runFor(50);
  assert.equal(result(b, listener, 0), E.WSA_IO_INCOMPLETE);
  a.send(s, "cdef");
  world.runFor(50);
  assert.deepEqual([result(b, listener, 0), inBuffer(b, 0, 4)], [[4, W.MSG_PARTIAL], "abcd"]);
  assert.equal(updateAccept(b, acceptor, listener), 0);
  const rest = receive(b, acceptor);
  assert.deepEqual(typeof rest === "number" ? rest : [text(rest.data), rest.partial], ["ef", false]);
});

test("AcceptEx without data is complete with the connection; requests that waited, and those that come, go to it in order", async () => {
  const made = await cores();
  const { a, b, world } = made;
  const listener = b.listener(PORT, 2, "messages");
  const clients = [0, 1, 2].map(() => a.socket("messages"));
  // One after the other: a SYN cookie's answer would overtake the half-open connections before it.
  for (const s of clients) {
    a.as(s).connect(s, B, PORT);
    world.runFor(50);
  }
  // TCP's own queue is as short: one SYN is sent again.
  world.runFor(3000);
  const acceptors = [0, 1, 2].map(() => b.socket("messages"));
  for (const [k, acceptor] of acceptors.entries()) assert.equal(acceptEx(b, listener, acceptor, k, 0), E.WSA_IO_PENDING);
  world.runFor(50);
  for (const k of [0, 1, 2]) assert.deepEqual(result(b, listener, k), [0, 0], `operation ${k}`);
  for (const [k, acceptor] of acceptors.entries()) {
    assert.equal(updateAccept(b, acceptor, listener), 0);
    assert.equal(a.as(clients[k] as number).connect(clients[k] as number, B, PORT), 0);
    assert.equal(b.name(acceptor, true), a.name(clients[k] as number));
  }
});

test("the room an AcceptEx makes in the backlog lets the next request in", async () => {
  const { a, b, world } = await cores();
  const listener = b.listener(PORT, 1, "messages");
  const event = b.event();
  b.select(listener, event, W.FD_ACCEPT);
  for (const s of [0, 1].map(() => a.socket("messages"))) a.as(s).connect(s, B, PORT);
  world.runFor(3000);
  assert.deepEqual(b.enumerate(listener, event), { FD_ACCEPT: 0 });
  assert.equal(acceptEx(b, listener, b.socket("messages"), 0, 0), E.WSA_IO_PENDING);
  world.runFor(50);
  assert.deepEqual(result(b, listener, 0), [0, 0]);
  assert.deepEqual(b.poll({ read: [listener] }).read, [listener]);
  b.accept(listener);
  assert.equal(b.err, 0);
});

test("an AcceptEx that waits for data: the peer's end completes it with 0 bytes (R-36), a reset with 10054", async () => {
  const first = await waiting(10);
  const s = first.a.socket("messages");
  assert.equal(first.a.until(() => first.a.connect(s, B, PORT)), 0);
  first.a.close(s);
  first.world.runFor(50);
  assert.deepEqual(result(first.b, first.listener, 0), [0, 0]);
  assert.equal(updateAccept(first.b, first.acceptor, first.listener), 0);
  assert.equal(message(first.b, first.acceptor), E.WSAEDISCON);
  const second = await waiting(10);
  const t = second.a.socket("messages");
  assert.equal(second.a.until(() => second.a.connect(t, B, PORT)), 0);
  second.a.setLinger(t, 1, 0);
  second.a.close(t);
  second.world.runFor(50);
  assert.equal(result(second.b, second.listener, 0), E.WSAECONNRESET);
  // The accepting socket is what it was.
  assert.equal(acceptEx(second.b, second.listener, second.acceptor, 1, 0), E.WSA_IO_PENDING);
  const again = second.a.socket("messages");
  assert.equal(second.a.until(() => second.a.connect(again, B, PORT)), 0);
  assert.deepEqual(result(second.b, second.listener, 1), [0, 0]);
});

test("a peer that breaks the protocol before its first message resets, and the AcceptEx fails", async () => {
  for (const wrong of [dataTpdu(0x1234, 0x80, [1, 2]), Uint8Array.of(9, 9, 9, 9, 9, 9, 9)]) {
    const made = await waiting(10);
    const { a, b, listener } = made;
    const t = a.socket();
    assert.equal(a.until(() => a.connect(t, B, PORT)), 0);
    a.send(t, connectRequest(0x77));
    assert.ok(a.until(() => a.recv(t)));
    a.send(t, wrong);
    made.run(50);
    assert.equal(result(b, listener, 0), E.WSAECONNRESET);
    assert.equal(a.recvError(t), E.WSAECONNRESET);
  }
});

test("closing the listener or the accepting socket ends AcceptEx with 995 and resets the connection it has (C-34, C-35)", async () => {
  for (const which of ["listener", "acceptor"] as const) {
    const made = await waiting(10);
    const { a, b, world } = made;
    const s = a.socket("messages");
    assert.equal(a.until(() => a.connect(s, B, PORT)), 0);
    world.runFor(20);
    assert.equal(b.close(made[which]), 0);
    assert.equal(b.core.memory.word(record(b, 0)), STATUS_CANCELLED);
    assert.equal(message(a, s), E.WSAECONNRESET);
    assert.equal(b.close(made[which === "listener" ? "acceptor" : "listener"]), 0);
    world.runFor(50);
  }
});

test("ConnectEx tells why: refused with a DR, no answer to the request, a peer that is none, cancelled, nobody there", async () => {
  for (const answer of ["refuse", "silent", "nonsense", "cancel"] as const) {
    const made = await cores();
    const tcp = made.b.listener(PORT);
    const s = bound(made.a);
    assert.equal(connectEx(made.a, s, 0, "first"), E.WSA_IO_PENDING);
    const t = made.b.until(() => made.b.accept(tcp));
    const request = made.b.until(() => made.b.recv(t)) ?? new Uint8Array();
    const ref = ((request[8] ?? 0) << 8) | (request[9] ?? 0);
    if (answer === "refuse") made.b.send(t, disconnectRequest(ref, 0, 2));
    if (answer === "nonsense") made.b.send(t, Uint8Array.of(9, 9, 9, 9, 9, 9, 9));
    if (answer === "cancel") assert.equal(made.a.call("CancelIoEx", s, 0), 1);
    made.run(answer === "silent" ? 31_000 : 50);
    const expected = { refuse: E.WSAECONNREFUSED, silent: E.WSAETIMEDOUT, nonsense: E.WSAECONNRESET, cancel: E.WSA_OPERATION_ABORTED };
    assert.equal(result(made.a, s, 0), expected[answer], answer);
    assert.equal(made.a.getOption(s, W.SOL_SOCKET, W.SO_ERROR), 0, answer);
    // The socket may try again.
    made.b.close(t);
    made.b.close(tcp);
    made.run(200);
    made.b.listener(PORT, 8, "messages");
    assert.equal(connectEx(made.a, s, 0, ""), E.WSA_IO_PENDING, answer);
    made.run(50);
    assert.deepEqual(result(made.a, s, 0), [0, 0], answer);
  }
  const none = await cores();
  const s = bound(none.a);
  assert.equal(connectEx(none.a, s, 0, "x"), E.WSA_IO_PENDING);
  none.run(50);
  assert.equal(result(none.a, s, 0), E.WSAECONNREFUSED);
});

test("DisconnectEx with TF_REUSE_SOCKET: the handle is connected again, nothing of the former connection is left", async () => {
  const { a, b, listener, acceptor, world } = await waiting(0, { config: { timeWaitMs: 500 } });
  const s = bound(a);
  assert.equal(connectEx(a, s, 0, ""), E.WSA_IO_PENDING);
  world.runFor(50);
  assert.equal(updateAccept(b, acceptor, listener), 0);
  assert.equal(b.send(acceptor, "never read"), 10);
  world.runFor(50);
  for (const [spi, handle] of [[a, s], [b, acceptor]] as const) {
    spi.call("DisconnectEx", handle, prepare(spi, 1), TF_REUSE_SOCKET, 0);
    assert.equal(spi.err, E.WSA_IO_PENDING);
  }
  world.runFor(2000);
  assert.deepEqual([result(a, s, 1), result(b, acceptor, 1)], [[0, 0], [0, 0]]);
  assert.equal(acceptEx(b, listener, acceptor, 0, 20), E.WSA_IO_PENDING);
  assert.equal(connectEx(a, s, 0, "again"), E.WSA_IO_PENDING);
  world.runFor(50);
  assert.deepEqual([result(b, listener, 0), inBuffer(b, 0, 5)], [[5, 0], "again"]);
  b.send(acceptor, "new");
  assert.equal(text(message(a, s)), "new");
});

test("AcceptEx refuses a socket of another kind; ConnectEx one that is not bound", async () => {
  const { a, b } = await cores();
  const listener = b.listener(PORT, 8, "messages");
  assert.equal(acceptEx(b, listener, b.socket(), 0, 0), E.WSAEINVAL);
  assert.equal(acceptEx(b, b.listener(7000), b.socket("messages"), 0, 0), E.WSAEINVAL);
  assert.equal(connectEx(a, a.socket("messages"), 0, "x", A), E.WSAEINVAL);
});
