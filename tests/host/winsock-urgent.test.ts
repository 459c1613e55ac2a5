/** Urgent data (RFC 9293 §3.8.5; semantics E-74, X-34): received out of band, in the stream, from hostile pointers; sent with MSG_OOB. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as W from "../../host/abi/winsock.gen.ts";
import type { Check } from "../semantics/check.ts";
import { PORT, type ScriptedConnection, scripted, scriptedConnection } from "../semantics/support/hosts.ts";
import { type Pair, pair } from "./support/pair.ts";
import { watch } from "../semantics/support/situations.ts";

const { FD_CLOSE, FD_OOB, FD_READ, MSG_OOB, MSG_PEEK, MSG_WAITALL, SIOCATMARK, SO_OOBINLINE, SOL_SOCKET } = W;
/** Two stacks, a connection between them, both ends non-blocking. */
async function connectedPair(): Promise<Pair & { s: number; t: number }> {
  const p = await pair({ link: { delayMs: 1 } }), listener = p.b.listener(PORT), s = p.a.socket();
  assert.equal(p.a.until(() => p.a.connect(s, "10.0.0.2", PORT)), 0);
  const t = p.b.until(() => p.b.accept(listener));
  p.a.nonblocking(s);
  p.b.nonblocking(t);
  return Object.assign(p, { s, t });
}

const words = (data: Uint8Array | null | undefined): string | null => (data ? new TextDecoder().decode(data) : null);
const PLAIN = { config: {} } as Check;
/** Where Spi lets WSPIoctl write. */
const AT_OUTPUT = 96;

async function connection(inline = false): Promise<ScriptedConnection> {
  const p = await scriptedConnection(PLAIN);
  p.a.setOption(p.s, SOL_SOCKET, SO_OOBINLINE, inline ? 1 : 0);
  p.a.nonblocking(p.s);
  return p;
}

/** Text of the peer; `urgent`: how many of its bytes end with the urgent one. */
function arrive(p: ScriptedConnection, data: string, urgent = 0, seq = p.peer.sndNxt): void {
  p.peer.send(urgent ? "PSH,ACK,URG" : "PSH,ACK", { data, urgent, seq });
  p.run(50);
}

function atMark(p: ScriptedConnection): boolean {
  assert.equal(p.a.ioctl(p.s, SIOCATMARK, 0), 0);
  return p.a.word(AT_OUTPUT) === 1;
}

/** What one receive gives as text, or its error code. */
function got(p: ScriptedConnection, flags = 0): string | number {
  const data = p.a.recv(p.s, 100, flags);
  return data ? new TextDecoder().decode(data) : p.a.err;
}

test("E-74: the urgent byte is received out of band and is no part of the stream", async () => {
  const p = await connection();
  const event = watch(p.a, p.s, FD_READ | FD_OOB);
  arrive(p, "abc!def", 4);
  assert.deepEqual(p.a.enumerate(p.s, event), { FD_READ: 0, FD_OOB: 0 });
  assert.equal(p.a.unread(p.s), 3);
  assert.equal(atMark(p), false);
  assert.deepEqual(p.a.poll({ except: [p.s] }).except, [p.s]);
  assert.deepEqual(p.a.wsaPoll([[p.s, W.POLLIN]]).revents, ["POLLRDNORM+POLLRDBAND"]);
  assert.equal(got(p, MSG_OOB | MSG_PEEK), "!");
  assert.equal(got(p, MSG_OOB), "!");
  assert.equal(got(p, MSG_OOB), 10035);
  assert.deepEqual(p.a.poll({ except: [p.s] }).n, 0);
  assert.equal(got(p), "abc", "a receive ends before the urgent byte");
  assert.equal(atMark(p), true);
  assert.equal(got(p), "def");
  assert.equal(got(p), 10035);
});

test("SO_OOBINLINE: the urgent byte stays in the stream, receives end before it", async () => {
  const p = await connection(true);
  const event = watch(p.a, p.s, FD_READ | FD_OOB);
  arrive(p, "abc!def", 4);
  assert.deepEqual(p.a.enumerate(p.s, event), { FD_READ: 0 });
  assert.equal(got(p, MSG_OOB), 10022, "X-34");
  assert.equal(atMark(p), false);
  assert.equal(got(p), "abc");
  assert.equal(atMark(p), true);
  assert.equal(got(p), "!def");
  assert.equal(atMark(p), true);
});

test("the pointer may come before its byte, and the byte before others", async () => {
  const p = await connection();
  const event = watch(p.a, p.s, FD_READ | FD_OOB);
  p.peer.send("ACK,URG", { urgent: 6 });
  p.run(50);
  assert.deepEqual(p.a.enumerate(p.s, event), {});
  const first = p.peer.sndNxt;
  arrive(p, "!tail", 0, first + 5);
  assert.deepEqual(p.a.enumerate(p.s, event), {}, "a gap is left");
  arrive(p, "front", 0, first);
  assert.deepEqual(p.a.enumerate(p.s, event), { FD_READ: 0, FD_OOB: 0 });
  assert.equal(got(p, MSG_OOB), "!");
  assert.equal(got(p), "front");
  assert.equal(got(p), "tail");
});

test("a newer urgent byte takes the place of an older one, which becomes text", async () => {
  const p = await connection();
  arrive(p, "a1", 2);
  arrive(p, "b2", 2);
  assert.equal(got(p, MSG_OOB), "2");
  assert.equal(got(p), "a1b");
  assert.equal(got(p), 10035);
});

test("the end of the stream comes behind a single urgent byte", async () => {
  const p = await connection();
  const event = watch(p.a, p.s, FD_READ | FD_OOB | FD_CLOSE);
  p.peer.send("FIN,PSH,ACK,URG", { data: "!", urgent: 1 });
  p.run(50);
  assert.deepEqual(p.a.enumerate(p.s, event), { FD_OOB: 0, FD_CLOSE: 0 });
  assert.equal(got(p), "");
  assert.equal(got(p, MSG_OOB), "!");
});

test("MSG_WAITALL ends where urgent data stands", async () => {
  const p = await scriptedConnection(PLAIN);
  arrive(p, "abc!def", 4);
  assert.equal(got(p, MSG_WAITALL), "abc");
  assert.equal(p.a.recv(p.s, 3, MSG_WAITALL)?.length, 3);
});

test("an accepted socket takes SO_OOBINLINE over for what came before it was accepted", async () => {
  for (const inline of [0, 1]) {
    const p = await scripted(PLAIN);
    const listener = p.a.listener(PORT);
    p.a.setOption(listener, SOL_SOCKET, SO_OOBINLINE, inline);
    p.a.nonblocking(listener);
    p.peer.port = 40_000;
    p.peer.remotePort = PORT;
    p.peer.send("SYN");
    p.run(10);
    p.peer.take();
    p.peer.send("PSH,ACK,URG", { data: "!abc", urgent: 1 });
    p.run(100);
    const q = Object.assign(p, { s: p.a.accept(listener), port: PORT });
    assert.equal(got(q), inline ? "!abc" : "abc");
    assert.equal(got(q, MSG_OOB), inline ? 10022 : "!");
  }
});

test("wild pointers disturb nothing: none, far ahead, already received, again and again", async () => {
  const p = await connection();
  p.peer.send("ACK,URG", { urgent: 0 });
  p.peer.send("ACK,URG", { urgent: 65535 });
  const first = p.peer.sndNxt;
  arrive(p, "hello", 0);
  assert.equal(got(p), "hello");
  arrive(p, "hello", 3, first);
  for (let i = 0; i < 300; i++) p.peer.send("PSH,ACK,URG", { data: "x", urgent: 1 + (i % 7) });
  p.run(1000);
  let length = 0;
  for (let data = p.a.recv(p.s); data?.length; data = p.a.recv(p.s)) length += data.length;
  assert.ok(length >= 299 && length <= 300, `${length} bytes of text`);
  arrive(p, "end", 0);
  assert.equal(got(p), "end");
});

test("MSG_OOB on a send: the last byte is urgent there, out of band or in the stream, and stands in its place", async () => {
  for (const inline of [0, 1]) {
    const p = await connectedPair();
    p.b.setOption(p.t, SOL_SOCKET, SO_OOBINLINE, inline);
    assert.equal(p.a.send(p.s, "front"), 5);
    assert.equal(p.a.send(p.s, "urgent!", MSG_OOB), 7);
    assert.equal(p.a.send(p.s, "back"), 4);
    p.world.runFor(500);
    assert.equal(words(p.b.recv(p.t, 100, MSG_OOB)), inline ? null : "!");
    assert.equal(words(p.b.recv(p.t, 100)), "fronturgent");
    assert.equal(words(p.b.recv(p.t, 100)), inline ? "!back" : "back");
  }
});

test("MSG_OOB on a send: of two sends the newer byte counts, and a send of nothing makes nothing urgent", async () => {
  const p = await connectedPair();
  assert.equal(p.a.send(p.s, "a1", MSG_OOB), 2);
  assert.equal(p.a.send(p.s, "b2", MSG_OOB), 2);
  p.world.runFor(500);
  assert.equal(words(p.b.recv(p.t, 100, MSG_OOB)), "2");
  assert.equal(words(p.b.recv(p.t, 100)), "a1b");
  assert.equal(p.a.send(p.s, "c"), 1);
  p.world.runFor(500);
  assert.equal(p.a.send(p.s, "", MSG_OOB), 0);
  p.world.runFor(500);
  assert.equal(p.b.recvError(p.t, 1, MSG_OOB), 10035);
  assert.equal(words(p.b.recv(p.t, 100)), "c");
});

test("a blocking send with MSG_OOB that waits for room makes its last byte urgent, not the last one there was room for", async () => {
  const p = await connectedPair();
  p.a.nonblocking(p.s, false);
  p.a.setOption(p.s, SOL_SOCKET, W.SO_SNDBUF, 4096);
  assert.equal(p.a.send(p.s, "x".repeat(3000)), 3000);
  const text = `${"y".repeat(9999)}!`;
  let got = "";
  const take = (): void => {
    for (let part = p.b.recv(p.t, 4096); part?.length; part = p.b.recv(p.t, 4096)) got += words(part);
  };
  assert.equal(p.a.until(() => {
    take();
    return p.a.send(p.s, text, MSG_OOB);
  }), 10_000);
  p.world.runFor(1000);
  take();
  assert.equal(words(p.b.recv(p.t, 1, MSG_OOB)), "!");
  take();
  assert.equal(got, "x".repeat(3000) + "y".repeat(9999));
});

test("MSG_OOB on a send is refused for datagrams", async () => {
  const p = await connectedPair();
  assert.equal(p.a.send(p.a.socket("udp"), "!", MSG_OOB), -1);
  assert.equal(p.a.err, 10045);
});
