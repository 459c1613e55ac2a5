/** What a peer may say to a SOCK_SEQPACKET socket: refusals, broken protocol, lies about lengths. Nothing traps, hangs, leaks or is believed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as E from "../../host/abi/errors.gen.ts";
import { OP_SEND } from "../../host/abi/events.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import { SeededRandom } from "../../host/index.ts";
import {
  called, calling, connectConfirm, connectRequest, dataTpdu, disconnectConfirm, disconnectRequest, knocking, message, octets, packet, recvDisconnect, text,
  type Wire, wsabufBytes, B, PORT,
} from "./seqpacket-support.ts";

/** What a's socket says after b sent these octets, and how its close is reported. */
function outcome(p: Wire, ...sent: Uint8Array[]): { error: string; report: string } {
  for (const bytes of sent) p.b.send(p.t, bytes);
  p.run(100);
  const error = text(message(p.a, p.s));
  p.a.close(p.s);
  const report = p.a.report(p.s);
  return { error, report: `${report.outcome} ${report.cause}` };
}

test("the connection request is class 2 without flow control, 8192 octets, no expedited data", async () => {
  const { request, ref } = await calling();
  assert.deepEqual([...request], [3, 0, 0, 17, 12, 0xe0, 0, 0, ref >>> 8, ref & 255, 0x21, 0xc0, 1, 13, 0xc6, 1, 0]);
});

test("a confirm names a smaller TPDU size: messages are cut to it", async () => {
  const p = await calling();
  p.b.send(p.t, connectConfirm(p.ref, 0x77, 0x21, 0xc0, 1, 7));
  assert.equal(p.a.until(() => p.a.connect(p.s, B, PORT)), 0);
  p.a.send(p.s, new Uint8Array(200).fill(5));
  p.run(50);
  const got = p.b.recv(p.t) ?? new Uint8Array();
  assert.deepEqual([...got.subarray(0, 9)], [3, 0, 0, 132, 4, 0xf0, 0, 0x77, 0]);
  assert.deepEqual([...got.subarray(132, 141)], [3, 0, 0, 86, 4, 0xf0, 0, 0x77, 0x81]);
  assert.equal(got.length, 132 + 86);
});

test("octet by octet is as good as in one piece", async () => {
  const p = await called();
  for (const byte of [...dataTpdu(p.ref, 0, octets("slow")), ...dataTpdu(p.ref, 0x81, octets("ly")), ...disconnectRequest(p.ref, 0x77, 128, 7, 8)]) {
    p.b.send(p.t, Uint8Array.of(byte));
    p.run(5);
  }
  assert.equal(text(message(p.a, p.s)), "slowly");
  assert.equal(message(p.a, p.s), E.WSAEDISCON);
  assert.equal(recvDisconnect(p.a, p.s, 64), 0);
  assert.deepEqual([...wsabufBytes(p.a)], [7, 8]);
});

test("a peer of X.224's letter: DC answers our DR, DC is our answer to its DR", async () => {
  const first = await called();
  first.a.shutdown(first.s, W.SD_SEND);
  first.run(50);
  assert.deepEqual([...(first.b.recv(first.t) ?? [])], [...disconnectRequest(0x77, first.ref, 128)]);
  first.b.send(first.t, disconnectConfirm(first.ref, 0x77));
  first.run(50);
  assert.equal(message(first.a, first.s), E.WSAEDISCON);
  const second = await called();
  second.b.send(second.t, disconnectRequest(second.ref, 0x77, 128));
  second.run(50);
  assert.equal(message(second.a, second.s), E.WSAEDISCON);
  second.a.close(second.s);
  second.run(50);
  assert.deepEqual([...(second.b.recv(second.t) ?? [])], [...disconnectConfirm(0x77, second.ref)]);
  second.b.close(second.t);
  assert.equal(second.a.report(second.s).outcome, "graceful");
});

test("a peer that closes TCP in answer to our DR has finished; without one of either side it has aborted", async () => {
  const first = await called();
  first.a.shutdown(first.s, W.SD_SEND);
  first.run(50);
  first.b.recv(first.t);
  first.b.close(first.t);
  first.run(50);
  assert.equal(message(first.a, first.s), E.WSAEDISCON);
  const second = await called();
  second.b.send(second.t, dataTpdu(second.ref, 0x80, octets("whole")));
  second.b.send(second.t, dataTpdu(second.ref, 0x01, octets("half")));
  second.b.shutdown(second.t, W.SD_SEND);
  second.run(50);
  assert.equal(text(message(second.a, second.s)), "whole");
  assert.equal(second.a.text(second.s), "half");
  assert.equal(second.a.flagsBack & W.MSG_PARTIAL, W.MSG_PARTIAL);
  assert.equal(message(second.a, second.s), E.WSAECONNRESET);
  second.a.close(second.s);
  assert.equal(second.a.report(second.s).outcome, "resetByPeer");
});

test("a TPDU that ends in the middle of the stream is no end", async () => {
  for (const cut of [3, 6, 9, 12]) {
    const p = await called();
    p.b.send(p.t, dataTpdu(p.ref, 0x80, octets("wanted")).subarray(0, cut));
    p.b.shutdown(p.t, W.SD_SEND);
    p.run(50);
    let got = message(p.a, p.s);
    while (typeof got !== "number") got = message(p.a, p.s);
    assert.equal(got, E.WSAECONNRESET, `cut after ${cut}`);
  }
});

test("a send that waits for room wakes when the stream is cut: 10054", async () => {
  const p = await called();
  const a = p.a.as(1);
  // Until the peer's window is shut and nothing moves any more.
  for (let before = -1, sent = 0; before !== sent; p.run(500)) {
    before = sent;
    while (a.send(p.s, 4000) === 4000) assert.ok(++sent < 1000, "the window never closes");
    assert.equal(a.err, E.LASTACK_WAIT);
  }
  const woken = (): number => a.wakes.filter(({ handle, caller, operation }) => handle === p.s && caller === 1 && operation === OP_SEND).length;
  const before = woken();
  p.b.shutdown(p.t, W.SD_SEND);
  p.run(50);
  assert.equal(woken(), before + 1);
  assert.equal(a.send(p.s, 4000), -1);
  assert.equal(a.err, E.WSAECONNRESET);
});

test("connect: what answers it", async () => {
  const answers: readonly [string, (ref: number) => Uint8Array, number][] = [
    ["refused", (ref) => disconnectRequest(ref, 0, 2), E.WSAECONNREFUSED],
    ["refused with data", (ref) => disconnectRequest(ref, 0, 136, 1, 2, 3), E.WSAECONNREFUSED],
    ["class 0", (ref) => connectConfirm(ref, 0x77, 0x00), E.WSAECONNRESET],
    ["class 4", (ref) => connectConfirm(ref, 0x77, 0x40), E.WSAECONNRESET],
    ["flow control", (ref) => connectConfirm(ref, 0x77, 0x20), E.WSAECONNRESET],
    ["no reference", (ref) => connectConfirm(ref, 0), E.WSAECONNRESET],
    ["not for us", (ref) => connectConfirm(ref ^ 1, 0x77), E.WSAECONNRESET],
    ["a request", () => connectRequest(5), E.WSAECONNRESET],
    ["data", (ref) => dataTpdu(ref, 0x80, [1]), E.WSAECONNRESET],
    ["another protocol", () => octets("HTTP/1.1 400 Bad Request\r\n\r\n"), E.WSAECONNRESET],
    ["a parameter beyond the header", (ref) => connectConfirm(ref, 0x77, 0x21, 0xc0, 9), E.WSAECONNRESET],
    ["a size that is none", (ref) => connectConfirm(ref, 0x77, 0x21, 0xc0, 1, 99), E.WSAECONNRESET],
    ["a size of no octets", (ref) => connectConfirm(ref, 0x77, 0x21, 0xc0, 0), E.WSAECONNRESET],
  ];
  for (const [what, answer, code] of answers) {
    const p = await calling();
    p.b.send(p.t, answer(p.ref));
    assert.equal(p.a.until(() => p.a.connect(p.s, B, PORT)), code, what);
    p.run(50);
    assert.equal(p.a.core.stats().tcpCurrent <= 1, true, what);
  }
  const closed = await calling();
  closed.b.close(closed.t);
  assert.equal(closed.a.until(() => closed.a.connect(closed.s, B, PORT)), E.WSAECONNRESET);
  const silent = await calling();
  assert.equal(silent.a.until(() => silent.a.connect(silent.s, B, PORT)), E.WSAETIMEDOUT);
});

test("what breaks an open connection: it is reset, later calls answer 10053, the report says protocol", async () => {
  const bad: readonly [string, (ref: number) => Uint8Array][] = [
    ["a version of TPKT that is none", (ref) => { const p = dataTpdu(ref, 0x80, [1]); p[0] = 2; return p; }],
    ["length 0", () => Uint8Array.of(3, 0, 0, 0, 2, 0xf0, 0x80, 0, 0, 0)],
    ["a length below its own header", () => Uint8Array.of(3, 0, 0, 6, 4, 0xf0, 0, 0, 0)],
    ["a length that ends in the DT header", () => Uint8Array.of(3, 0, 0, 8, 4, 0xf0, 0, 0, 0x80)],
    ["LI beyond the packet", (ref) => { const p = dataTpdu(ref, 0x80, [1]); p[4] = 200; return p; }],
    ["LI 255", (ref) => { const p = dataTpdu(ref, 0x80, [1]); p[4] = 255; return p; }],
    ["LI 0", (ref) => { const p = dataTpdu(ref, 0x80, [1]); p[4] = 0; return p; }],
    ["DT of class 0", () => packet(2, 0xf0, 0x80, 1, 2, 3, 4)],
    ["DT with a checksum", (ref) => packet(8, 0xf0, ref >>> 8, ref & 255, 0x80, 0xc3, 2, 0, 0)],
    ["DT for another reference", (ref) => dataTpdu(ref ^ 0x100, 0x80, [1])],
    ["DT beyond the size agreed on", (ref) => dataTpdu(ref, 0x80, new Uint8Array(8188))],
    ["a second confirm", (ref) => connectConfirm(ref, 0x77)],
    ["a request", () => connectRequest(9)],
    ["DC for a DR that never was", (ref) => disconnectConfirm(ref, 0x77)],
    ["DR for another reference", (ref) => disconnectRequest(ref ^ 1, 0x77, 128)],
    ["DR with 65 octets", (ref) => disconnectRequest(ref, 0x77, 128, ...new Uint8Array(65))],
    ["DR with a short header", (ref) => packet(4, 0x80, ref >>> 8, ref & 255, 0)],
    ["ED", (ref) => packet(4, 0x10, ref >>> 8, ref & 255, 0x80, 1)],
    ["AK", (ref) => packet(4, 0x60, ref >>> 8, ref & 255, 1)],
    ["ER", (ref) => packet(4, 0x70, ref >>> 8, ref & 255, 1)],
    ["an unknown code", () => packet(4, 0x00, 0, 0, 0)],
    ["a long TPDU of an unknown code", () => Uint8Array.of(3, 0, 0xff, 0xff, 4, 0x20, 0, 0)],
    ["text", () => octets("GET / HTTP/1.1\r\n")],
  ];
  for (const [what, make] of bad) {
    const p = await called();
    assert.deepEqual(outcome(p, make(p.ref)), { error: `error ${E.WSAECONNABORTED}`, report: "aborted protocol" }, what);
  }
});

test("messages before the break are lost with the connection; a disconnect request ends what may come", async () => {
  const p = await called();
  const after = outcome(p, disconnectRequest(p.ref, 0x77, 128), dataTpdu(p.ref, 0x80, [1]));
  assert.deepEqual(after, { error: `error ${E.WSAECONNABORTED}`, report: "aborted protocol" });
});

test("listening: requests that are refused get a DR, noise gets a reset, silence ends after 30 s", async () => {
  const answers: readonly [string, Uint8Array, readonly number[]][] = [
    ["class 0", connectRequest(5, 0, 0x00), [...disconnectRequest(5, 0, 130)]],
    ["class 4", connectRequest(5, 0, 0x40), [...disconnectRequest(5, 0, 130)]],
    ["flow control", connectRequest(5, 0, 0x20), [...disconnectRequest(5, 0, 130)]],
    ["extended formats", connectRequest(5, 0, 0x23), [...disconnectRequest(5, 0, 130)]],
    ["a parameter that lies", connectRequest(5, 0, 0x21, 0xc1, 40), [...disconnectRequest(5, 0, 130)]],
  ];
  for (const [what, request, answer] of answers) {
    const p = await knocking();
    p.b.send(p.t, request);
    p.run(50);
    assert.deepEqual([...(p.b.recv(p.t) ?? [])], answer, what);
    assert.deepEqual([...(p.b.recv(p.t) ?? [9])], [], what);
  }
  for (const noise of [octets("GET / HTTP/1.1\r\n\r\n"), connectRequest(0), connectRequest(5, 6), connectConfirm(5, 6), dataTpdu(5, 0x80, [1]), packet(4, 0xe0, 0, 0, 0)]) {
    const p = await knocking();
    p.b.send(p.t, noise);
    p.run(50);
    assert.equal(p.b.recvError(p.t), E.WSAECONNRESET);
  }
  const silent = await knocking();
  silent.run(29_000);
  assert.equal(silent.b.recvError(silent.t), E.LASTACK_WAIT);
  silent.run(2000);
  assert.equal(silent.b.until(() => silent.b.recv(silent.t)), undefined);
  assert.equal(silent.b.err, E.WSAECONNRESET);
});

test("callers that say nothing hold no more than the backlog, and make room", async () => {
  const p = await knocking({ config: { maxConnections: 32, maxSockets: 16 } }, 2);
  const more = [p.t];
  for (let i = 0; i < 5; i++) {
    const t = p.b.socket();
    p.b.connect(t, "10.0.0.1", PORT);
    more.push(t);
  }
  p.run(200);
  assert.equal(p.a.accept(p.listener), 0xffffffff);
  p.run(31_000);
  // Those that waited behind the silent ones have come up: one of them speaks.
  const last = more[3] as number;
  p.b.until(() => p.b.connect(last, "10.0.0.1", PORT));
  p.b.send(last, connectRequest(5));
  p.run(1000);
  const made = p.a.accept(p.listener);
  assert.equal(p.a.err === 0 || p.a.err === E.LASTACK_WAIT, true);
  if (p.a.err === 0) p.a.close(made);
  p.a.close(p.listener);
  p.run(1000);
  assert.equal(p.a.raw("orphans") <= 1, true);
});

test("the backlog counts callers without a request too: who comes behind them waits until one is given up", async () => {
  const p = await knocking({}, 1);
  const second = p.b.socket();
  assert.equal(p.b.until(() => p.b.connect(second, "10.0.0.1", PORT)), 0);
  p.b.send(second, connectRequest(5));
  p.run(1000);
  p.a.nonblocking(p.listener);
  assert.equal(p.a.accept(p.listener), 0xffffffff);
  assert.equal(p.a.err, E.WSAEWOULDBLOCK);
  p.run(30_000);
  p.a.accept(p.listener);
  assert.equal(p.a.err, 0);
});

test("conditional accept: the confirm waits for CF_ACCEPT, CF_REJECT is a DR", async () => {
  for (const answer of [W.CF_ACCEPT, W.CF_REJECT]) {
    const p = await knocking();
    const listener = p.a.socket("messages");
    p.a.setOption(listener, W.SOL_SOCKET, W.SO_CONDITIONAL_ACCEPT, 1);
    p.a.bind(listener, "0.0.0.0", 103);
    p.a.listen(listener);
    const t = p.b.socket();
    p.b.until(() => p.b.connect(t, "10.0.0.1", 103));
    p.b.send(t, connectRequest(5));
    p.run(100);
    assert.equal(p.b.recvError(t), E.LASTACK_WAIT);
    assert.equal(p.a.accept(listener, 1), 0xffffffff);
    assert.equal(p.a.err, E.LASTACK_CONDITION);
    p.a.raw("acceptDecide", listener, answer);
    p.a.accept(listener, 1);
    assert.equal(p.a.err, answer === W.CF_ACCEPT ? 0 : E.WSAECONNREFUSED);
    p.run(50);
    const got = [...(p.b.recv(t) ?? [])];
    if (answer === W.CF_ACCEPT) assert.equal(got[5], 0xd0);
    else assert.deepEqual(got, [...disconnectRequest(5, 0, 136)]);
  }
});

test("memory stays bounded by the receive buffers, whatever is sent and not read", async () => {
  const p = await called({ config: { recvBuffer: 16_384 } });
  const empty = dataTpdu(p.ref, 0x80, []);
  const flood = new Uint8Array(empty.length * 3000);
  for (let i = 0; i < 3000; i++) flood.set(empty, i * empty.length);
  for (let i = 0; i < 30; i++) {
    p.b.send(p.t, flood.subarray(0, 27_000));
    p.run(50);
  }
  assert.ok(p.a.core.stats().bufferBytes <= 64 * 1024, `${p.a.core.stats().bufferBytes} bytes`);
  let got = 0;
  while (p.a.recv(p.s)) got++;
  assert.ok(got > 1000, `${got} empty messages`);
  p.a.abort(p.s);
  p.a.close(p.s);
  p.run(100);
  assert.equal(p.a.core.stats().bufferBytes <= 2048, true);
});

test("octets by a generator, in pieces of any size: no trap, every buffer given back", async () => {
  const rounds = Number(process.env["LASTACK_SEQPACKET_FUZZ"] ?? 300);
  const p = await knocking({ config: { maxConnections: 64, maxSockets: 32 } });
  const base = p.a.core.stats().bufferBytes;
  p.b.abort(p.t);
  p.b.close(p.t);
  for (let seed = 1; seed <= rounds; seed++) {
    const random = new SeededRandom(seed);
    const below = (n: number): number => random.below(n);
    const t = p.b.socket();
    p.b.setLinger(t, 1, 0);
    assert.equal(p.b.until(() => p.b.connect(t, "10.0.0.1", PORT)), 0, `seed ${seed}`);
    let peer = 0;
    let accepted = 0;
    if (below(10) > 0) {
      p.b.send(t, connectRequest(5));
      p.run(5);
      const confirm = p.b.recv(t) ?? new Uint8Array();
      peer = ((confirm[8] ?? 0) << 8) | (confirm[9] ?? 0);
      accepted = p.a.accept(p.listener);
    }
    for (let i = below(6); i >= 0; i--) {
      const data = new Uint8Array(below(60)).map(() => below(256));
      const made = [
        () => dataTpdu(peer, below(256), data), () => disconnectRequest(peer, 5, below(256), ...data), () => disconnectConfirm(peer, 5),
        () => connectConfirm(peer, 5, 0x21, ...data), () => packet(below(20), 0xf0, ...data), () => data, () => dataTpdu(peer, 0x80, new Uint8Array(below(9000))),
      ][below(7)]?.() ?? data;
      if (below(3) === 0 && made.length > 0) made[below(made.length)] = below(256);
      for (let at = 0; at < made.length;) {
        const n = 1 + below(made.length);
        p.b.send(t, made.subarray(at, at + n));
        at += n;
        if (below(2)) p.run(1);
      }
      if (accepted && below(2)) { p.a.nonblocking(accepted); p.a.recv(accepted, 1 + below(100), below(2) ? W.MSG_PARTIAL : 0); }
      if (accepted && below(6) === 0) p.a.shutdown(accepted, W.SD_SEND);
    }
    if (below(2)) p.b.shutdown(t, W.SD_SEND);
    p.run(5);
    p.b.close(t);
    p.run(5);
    if (accepted && accepted !== 0xffffffff) p.a.close(accepted);
    for (let left = p.a.accept(p.listener); p.a.err === 0; left = p.a.accept(p.listener)) { p.a.setLinger(left, 1, 0); p.a.close(left); }
    p.run(20);
  }
  p.run(120_000);
  assert.ok(p.a.core.stats().bufferBytes <= base, `${p.a.core.stats().bufferBytes} bytes held, ${base} before`);
  assert.equal(p.a.raw("orphans"), 0);
});
