/** SOCK_SEQPACKET between two cores: messages, parts of them, disconnect data, the end (RFC 2126; semantics D, R-25, R-26). */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as E from "../../host/abi/errors.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import type { Spi } from "./support/spi.ts";
import { cores, joined, message, octets, receive, recvDisconnect, sendDisconnect, text, wsabufBytes, B, PORT } from "./seqpacket-support.ts";

const pattern = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => (i * 13 + (i >> 8)) & 255);

test("messages keep their bounds", async () => {
  const { a, b, s, t } = await joined();
  for (const line of ["one", "", "three", "x".repeat(20_000)]) assert.equal(a.send(s, line), line.length);
  assert.deepEqual([message(b, t), message(b, t), message(b, t), message(b, t)].map(text), ["one", "", "three", "x".repeat(20_000)]);
  assert.equal(b.send(t, "back"), 4);
  assert.equal(text(message(a, s)), "back");
});

test("a message larger than the buffer comes in parts, each but the last with MSG_PARTIAL", async () => {
  const { a, b, s, t } = await joined();
  a.send(s, "0123456789");
  a.send(s, "next");
  const parts = [receive(b, t, 4), receive(b, t, 4), receive(b, t, 4), receive(b, t, 4)];
  assert.deepEqual(parts.map((p) => (typeof p === "number" ? p : [text(p.data), p.partial])), [["0123", true], ["4567", true], ["89", false], ["next", false]]);
});

test("parts sent with MSG_PARTIAL are one message; a receive waits for its end unless it has MSG_PARTIAL", async () => {
  const { a, b, s, t } = await joined();
  assert.equal(a.send(s, "begin ", W.MSG_PARTIAL), 6);
  b.world.runFor(50);
  b.nonblocking(t);
  assert.equal(b.recvError(t), E.WSAEWOULDBLOCK);
  assert.deepEqual(b.poll({ read: [t] }).read, []);
  const part = receive(b, t, 100, W.MSG_PARTIAL);
  assert.deepEqual(typeof part === "number" ? part : [text(part.data), part.partial], ["begin ", true]);
  assert.equal(a.send(s, "middle ", W.MSG_PARTIAL), 7);
  assert.equal(a.send(s, "end"), 3);
  b.world.runFor(50);
  assert.deepEqual(b.poll({ read: [t] }).read, [t]);
  const rest = receive(b, t, 100);
  assert.deepEqual(typeof rest === "number" ? rest : [text(rest.data), rest.partial], ["middle end", false]);
});

test("a message larger than every buffer arrives whole, in parts, over a link that loses and reorders", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const made = await joined({ seed, link: { delayMs: 3, loss: 0.03, reorder: 0.05 }, config: { sendBuffer: 20_000, recvBuffer: 16_384 } });
    const { a, b, s, t } = made;
    const sent = pattern(30_000);
    const got: number[] = [];
    let done = false;
    for (let round = 0; !done; round++) {
      const n = a.send(s, sent);
      assert.ok(n === sent.length || a.err === E.LASTACK_WAIT, `seed ${seed}: send ${a.err}`);
      for (;;) {
        const part = b.recv(t, 5000);
        if (!part) { assert.equal(b.err, E.LASTACK_WAIT, `seed ${seed}`); break; }
        got.push(...part);
        if (!(b.flagsBack & W.MSG_PARTIAL)) { done = true; break; }
      }
      if (!done) made.run(20);
      assert.ok(round < 10_000, `seed ${seed}: no end`);
      if (n === sent.length) {
        for (; !done; made.run(20)) {
          const part = b.recv(t, 5000);
          if (!part) continue;
          got.push(...part);
          done = !(b.flagsBack & W.MSG_PARTIAL);
        }
      }
    }
    assert.deepEqual(Uint8Array.from(got), sent, `seed ${seed}`);
  }
});

test("a disconnect with data: 10101 behind the last message, the data once, both reports graceful", async () => {
  const { a, b, s, t } = await joined();
  a.send(s, "last words");
  assert.equal(sendDisconnect(a, s, octets("good bye")), 0);
  assert.equal(text(message(b, t)), "last words");
  assert.equal(message(b, t), E.WSAEDISCON);
  assert.equal(message(b, t), E.WSAEDISCON);
  assert.equal(recvDisconnect(b, t, 4), E.WSAEFAULT);
  assert.equal(recvDisconnect(b, t, 64), 0);
  assert.equal(text(wsabufBytes(b)), "good bye");
  assert.equal(sendDisconnect(b, t, octets("so long")), 0);
  assert.equal(message(a, s), E.WSAEDISCON);
  assert.equal(recvDisconnect(a, s, 64), 0);
  assert.equal(text(wsabufBytes(a)), "so long");
  assert.equal(a.close(s), 0);
  assert.equal(b.close(t), 0);
  assert.equal(a.report(s).outcome, "graceful");
  assert.equal(b.report(t).outcome, "graceful");
});

test("after our disconnect the peer's messages are received until its own (D-09)", async () => {
  const { a, b, s, t } = await joined();
  assert.equal(sendDisconnect(a, s), 0);
  assert.equal(a.sendError(s), E.WSAESHUTDOWN);
  assert.equal(message(b, t), E.WSAEDISCON);
  b.send(t, "still here");
  b.send(t, "and here");
  assert.equal(text(message(a, s)), "still here");
  assert.equal(b.close(t), 0);
  assert.equal(text(message(a, s)), "and here");
  assert.equal(message(a, s), E.WSAEDISCON);
  a.close(s);
  assert.equal(a.report(s).outcome, "graceful");
  assert.equal(b.report(t).outcome, "graceful");
});

test("closing at once delivers everything; the peer's disconnect data after it do not reset anybody", async () => {
  const { a, b, s, t } = await joined({ link: { delayMs: 5 } });
  a.send(s, "payload");
  assert.equal(sendDisconnect(a, s, octets("x".repeat(64))), 0);
  assert.equal(a.close(s), 0);
  assert.equal(text(message(b, t)), "payload");
  assert.equal(message(b, t), E.WSAEDISCON);
  assert.equal(sendDisconnect(b, t, octets("heard")), 0);
  assert.equal(b.close(t), 0);
  assert.equal(b.report(t).outcome, "graceful");
  assert.equal(a.report(s).outcome, "graceful");
});

test("a message after the close resets the connection and the report says so (C-45)", async () => {
  const { a, b, s, t, world } = await joined();
  a.close(s);
  world.runFor(50);
  b.send(t, "to nobody");
  world.runFor(50);
  // R-06, V-06: a reset behind the peer's own end is 10053.
  assert.equal(message(b, t), E.WSAECONNABORTED);
  const report = a.report(s);
  assert.deepEqual([report.outcome, report.cause], ["aborted", "dataAfterClose"]);
});

test("a lingering close ends when all is acknowledged, and the peer can still end its side in good order", async () => {
  const { a, b, s, t, world } = await joined({ link: { delayMs: 5 } });
  a.setLinger(s, 1, 30);
  a.send(s, "kept");
  const from = world.nowMs;
  assert.equal(a.until(() => a.close(s)), 0);
  assert.ok(world.nowMs - from < 1000, `took ${world.nowMs - from} ms`);
  assert.equal(a.report(s).outcome, "delivered");
  assert.equal(text(message(b, t)), "kept");
  assert.equal(message(b, t), E.WSAEDISCON);
  assert.equal(sendDisconnect(b, t, octets("thanks")), 0);
  b.close(t);
  assert.equal(b.report(t).outcome, "graceful");
});

test("closing with a message unread resets, as does a message for a shut receive side", async () => {
  const first = await joined();
  first.a.send(first.s, "unread");
  first.world.runFor(50);
  first.b.close(first.t);
  assert.deepEqual([first.b.report(first.t).outcome, first.b.report(first.t).cause], ["aborted", "unreadData"]);
  assert.equal(first.b.report(first.t).bytesDiscarded, 6);
  assert.equal(message(first.a, first.s), E.WSAECONNRESET);
  const second = await joined();
  assert.equal(recvDisconnect(second.b, second.t), 0);
  second.a.send(second.s, "refused");
  second.world.runFor(50);
  assert.equal(message(second.a, second.s), E.WSAECONNRESET);
  second.b.close(second.t);
  assert.deepEqual([second.b.report(second.t).outcome, second.b.report(second.t).cause], ["aborted", "recvShut"]);
});

test("an abort is 10054, never 10101", async () => {
  const { a, b, s, t } = await joined();
  a.setLinger(s, 1, 0);
  a.close(s);
  assert.equal(message(b, t), E.WSAECONNRESET);
});

test("network events: FD_ACCEPT when the request is there, FD_READ for whole messages, FD_CLOSE at the disconnect", async () => {
  const made = await cores();
  const { a, b } = made;
  const listener = b.listener(PORT, 8, "messages");
  const event = b.event();
  assert.equal(b.select(listener, event, W.FD_ACCEPT), 0);
  const s = a.socket("messages");
  const ea = a.event();
  a.select(s, ea, W.FD_CONNECT | W.FD_WRITE | W.FD_READ | W.FD_CLOSE);
  assert.equal(a.connect(s, B, PORT), E.WSAEWOULDBLOCK);
  made.run(50);
  assert.deepEqual(a.enumerate(s, ea), { FD_WRITE: 0, FD_CONNECT: 0 });
  assert.deepEqual(b.enumerate(listener, event), { FD_ACCEPT: 0 });
  const t = b.accept(listener);
  assert.equal(b.err, 0);
  b.select(t, event, W.FD_READ | W.FD_CLOSE);
  a.send(s, "part", W.MSG_PARTIAL);
  made.run(50);
  assert.deepEqual(b.enumerate(t, event), {});
  a.send(s, "ial");
  sendDisconnect(a, s);
  made.run(50);
  assert.deepEqual(b.enumerate(t, event), { FD_READ: 0 });
  assert.equal(b.text(t), "partial");
  made.run(10);
  assert.deepEqual(b.enumerate(t, event), { FD_CLOSE: 0 });
});

test("a selector nobody has is refused with 10061; the right one is taken", async () => {
  const made = await cores();
  const { a, b } = made;
  const own = 16;
  const calledName = 17;
  const listener = b.socket("messages");
  assert.equal(b.setOption(listener, W.SOL_LASTACK, own, 0x42_41, 2), 0);
  assert.equal(b.bind(listener, "0.0.0.0", PORT), 0);
  assert.equal(b.listen(listener), 0);
  const wrong = a.socket("messages");
  assert.equal(a.setOption(wrong, W.SOL_LASTACK, calledName, 0x43_41, 2), 0);
  assert.equal(a.until(() => a.connect(wrong, B, PORT)), E.WSAECONNREFUSED);
  const right = a.socket("messages");
  assert.equal(a.setOption(right, W.SOL_LASTACK, calledName, 0x42_41, 2), 0);
  assert.equal(a.until(() => a.connect(right, B, PORT)), 0);
  assert.equal(a.setOption(right, W.SOL_LASTACK, own, 0, 1), E.WSAEISCONN);
  assert.equal(a.setOption(a.socket(), W.SOL_LASTACK, own, 0, 1), E.WSAENOPROTOOPT);
});

test("two senders that wait do not mix their messages", async () => {
  const made = await joined({ config: { sendBuffer: 8192, recvBuffer: 8192 } });
  const { a, b, s, t } = made;
  const one = new Uint8Array(30_000).fill(1);
  const two = new Uint8Array(30_000).fill(2);
  const ended = [false, false];
  const got: number[][] = [[]];
  for (let round = 0; round < 10_000 && got.length < 3; round++) {
    for (const [i, data] of [one, two].entries()) {
      if (ended[i]) continue;
      ended[i] = a.as(i + 1).send(s, data) === data.length;
    }
    made.run(5);
    for (let part = b.recv(t, 4000); part; part = b.recv(t, 4000)) {
      got[got.length - 1]?.push(...part);
      if (!(b.flagsBack & W.MSG_PARTIAL)) got.push([]);
    }
  }
  assert.deepEqual(got.map((m) => [m.length, new Set(m).size]), [[30_000, 1], [30_000, 1], [0, 0]]);
});

test("the catalog states what each protocol does", async () => {
  const { a } = await cores();
  const at = a.at + 768;
  const list = (room: number): number => {
    a.setWord(4, room);
    return a.call("WSAEnumProtocols", 0, at, a.at + 4);
  };
  assert.equal(list(0), -1);
  assert.deepEqual([a.err, a.word(4)], [E.WSAENOBUFS, 3 * W.SIZEOF_WSAPROTOCOL_INFOW]);
  assert.equal(list(10_000), 3);
  const entry = (i: number): number[] => [0, 36, 88, 92, 108].map((offset) => a.core.memory.word(at + i * W.SIZEOF_WSAPROTOCOL_INFOW + offset));
  assert.deepEqual(entry(0), [0x66, 1001, W.SOCK_STREAM, W.IPPROTO_TCP, 0]);
  assert.deepEqual(entry(1), [0x609, 1002, W.SOCK_DGRAM, W.IPPROTO_UDP, 65_507]);
  assert.deepEqual(entry(2), [0x4012e, 1003, W.SOCK_SEQPACKET, W.IPPROTO_TCP, 0xffffffff]);
  a.setWord(16, W.IPPROTO_UDP);
  a.setWord(20, 0);
  a.setWord(4, 10_000);
  assert.equal(a.call("WSAEnumProtocols", a.at + 16, at, a.at + 4), 1);
  assert.equal(a.call("WSAEnumProtocols", 0, at, 0), -1);
  assert.equal(a.err, E.WSAEFAULT);
});

/** Records of operation k, 0 to 19: WSAOVERLAPPED, WSABUF, words for results, 400 bytes. */
const records = (spi: Spi, k: number): number => ((spi.at + 768 + 20_000) & ~3) + 512 * k;
const store = (spi: Spi, at: number, words: readonly number[]): void => {
  spi.core.memory.ensure();
  spi.core.memory.i32.set(words, at >>> 2);
};

function overlapped(spi: Spi, name: "WSPRecv" | "WSPSend", s: number, k: number, data: string | number, flags = 0): number {
  const at = records(spi, k);
  const bytes = typeof data === "string" ? octets(data) : new Uint8Array(data);
  store(spi, at, [0, 0, 0, 0, 0, bytes.length, at + 64, 0, flags]);
  spi.core.memory.u8.set(bytes, at + 64);
  return name === "WSPRecv" ? spi.code(name, s, at + 20, 1, at + 28, at + 32, at, 0, 0) : spi.code(name, s, at + 20, 1, 0, flags, at, 0, 0);
}

/** What WSPGetOverlappedResult says: [bytes, flags] or the error. */
function result(spi: Spi, s: number, k: number): number | [number, number] {
  const at = records(spi, k);
  return spi.call("WSPGetOverlappedResult", s, at, at + 28, 0, at + 32) ? [spi.core.memory.word(at + 28), spi.core.memory.word(at + 32)] : spi.err;
}

test("overlapped: a message in parts, the end as 10101, a disconnect request behind sends that wait", async () => {
  const { a, b, s, t, world } = await joined({ config: { sendBuffer: 4096, recvBuffer: 1024 } });
  for (const [k, length] of [4, 100, 100].entries()) assert.equal(overlapped(b, "WSPRecv", t, k, length), 997);
  a.send(s, "part", W.MSG_PARTIAL);
  world.runFor(50);
  assert.deepEqual(result(b, t, 0), [4, W.MSG_PARTIAL]);
  a.send(s, "ial");
  world.runFor(50);
  assert.deepEqual([result(b, t, 1), result(b, t, 2)], [[3, 0], 996]);
  for (let k = 0; k < 20; k++) overlapped(a, "WSPSend", s, k, "x".repeat(400));
  assert.equal(result(a, s, 19), 996);
  assert.equal(sendDisconnect(a, s, octets("behind")), 0);
  world.runFor(50);
  assert.deepEqual(result(b, t, 2), [100, W.MSG_PARTIAL]);
  let whole = 0;
  for (let got = receive(b, t, 5000); typeof got !== "number"; got = receive(b, t, 5000)) whole += got.data.length;
  assert.equal(whole, 20 * 400 - 100);
  assert.equal(message(b, t), E.WSAEDISCON);
  assert.equal(overlapped(b, "WSPRecv", t, 0, 10), E.WSAEDISCON);
  assert.equal(overlapped(a, "WSPRecv", s, 0, 10), 997);
  assert.equal(recvDisconnect(b, t, 64), 0);
  assert.equal(text(wsabufBytes(b)), "behind");
  b.close(t);
  world.runFor(50);
  assert.equal(result(a, s, 0), E.WSAEDISCON);
  a.close(s);
  assert.equal(a.report(s).outcome, "graceful");
});

test("a nonblocking send is all or 10035: what the peer reads is whole messages and nothing behind them", async () => {
  const made = await joined();
  const { a, b, s, t } = made;
  const sent = pattern(20_000);
  assert.equal(a.nonblocking(s), 0);
  let whole = 0;
  while (a.send(s, sent) === sent.length) assert.ok(++whole < 1000, "the window never closes");
  assert.equal(a.err, E.WSAEWOULDBLOCK);
  assert.ok(whole > 0);
  for (let k = 0; k < whole; k++) {
    made.run(100);
    assert.deepEqual(message(b, t), Buffer.from(sent), `message ${k}`);
  }
  made.run(1000);
  assert.equal(b.recv(t, 5000), undefined);
  assert.equal(b.err, E.LASTACK_WAIT);
});
