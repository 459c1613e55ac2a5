/** The receive side: chapter R, as far as nothing is overlapped. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { SWITCH_V06_RESET_AFTER_FIN, SWITCH_V15_RESET_KEEPS_UNREAD } from "../../host/abi/config.gen.ts";
import {
  MSG_OOB, MSG_PEEK, MSG_WAITALL, SD_RECEIVE, SD_SEND, SIO_UDP_CONNRESET, SO_ERROR, SO_KEEPALIVE, SO_OOBINLINE, SO_RCVTIMEO, SO_SNDTIMEO,
  SOL_SOCKET,
} from "../../host/abi/winsock.gen.ts";
import { type Connected, connected, pair } from "./support/pair.ts";

const END = new Uint8Array(0);

/** b resets the connection. */
function reset(p: Connected): void {
  p.b.setLinger(p.t, 1, 0);
  p.b.close(p.t);
  p.world.runFor(10);
}

test("R-01, R-02, R-03: K bytes, then 0 every time", async () => {
  const p = await connected();
  p.b.send(p.t, 1000);
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  assert.equal(p.a.recv(p.s, 400)?.length, 400);
  assert.equal(p.a.recv(p.s, 4000)?.length, 600);
  for (let i = 0; i < 3; i++) assert.deepEqual(p.a.recv(p.s), END);
});

test("R-04, R-05, R-15, O-06: a reset answers every call with 10054, and SO_ERROR with 0", async () => {
  const p = await connected();
  reset(p);
  for (let i = 0; i < 3; i++) assert.equal(p.a.recvError(p.s), 10054);
  for (let i = 0; i < 3; i++) assert.equal(p.a.sendError(p.s), 10054);
  assert.equal(p.a.getOption(p.s, SOL_SOCKET, SO_ERROR), 0);
  p.a.close(p.s);
  assert.deepEqual([p.a.report(p.s).outcome, p.a.report(p.s).error], ["resetByPeer", 10054]);
});

test("R-06, R-07, V-06: a reset after the peer's FIN", async () => {
  for (const [switches, code] of [[0, 10053], [SWITCH_V06_RESET_AFTER_FIN, 10054]] as const) {
    const p = await connected({ config: { switches } });
    p.b.close(p.t);
    p.world.runFor(10);
    assert.deepEqual(p.a.recv(p.s), END);
    assert.equal(p.a.send(p.s, "late"), 4);
    p.world.runFor(10);
    assert.equal(p.a.recvError(p.s), code);
    assert.equal(p.a.sendError(p.s), code);
  }
});

test("R-08, V-15: a reset discards unread data, or not under the other reading", async () => {
  for (const [switches, discards] of [[0, true], [SWITCH_V15_RESET_KEEPS_UNREAD, false]] as const) {
    const p = await connected({ config: { switches } });
    p.b.send(p.t, "unread");
    p.world.runFor(10);
    reset(p);
    if (!discards) assert.equal(p.a.text(p.s), "unread");
    assert.equal(p.a.recvError(p.s), 10054);
    p.a.close(p.s);
    assert.equal(p.a.report(p.s).bytesDiscarded, discards ? 6 : 0);
  }
});

test("R-09, R-10: a blocked receive ends with the FIN or the reset", async () => {
  const p = await connected();
  assert.equal(p.a.recvError(p.s), LASTACK_WAIT);
  p.b.shutdown(p.t, SD_SEND);
  assert.deepEqual(p.a.until(() => p.a.recv(p.s)), END);
  const q = await connected();
  assert.equal(q.a.recvError(q.s), LASTACK_WAIT);
  reset(q);
  assert.equal(q.a.recvError(q.s), 10054);
});

test("R-16, R-17, R-18, X-05, X-06: nothing to receive from", async () => {
  const { a } = await connected();
  const connecting = a.socket();
  a.nonblocking(connecting);
  a.connect(connecting, "10.0.0.99", 1);
  for (const h of [a.socket(), a.listener(7300), connecting]) {
    assert.equal(a.recvError(h), 10057);
    assert.equal(a.sendError(h), 10057);
  }
  const p = await connected();
  p.a.nonblocking(p.s);
  assert.equal(p.a.recvError(p.s), 10035);
});

test("R-19, X-05: an unbound UDP socket", async () => {
  const { a } = await pair();
  const u = a.socket("udp");
  assert.equal(a.recvError(u), 10022);
  assert.equal(a.sendError(u), 10057);
});

test("R-20: a receive of no bytes takes nothing and ends nothing", async () => {
  const p = await connected();
  p.b.send(p.t, "data");
  p.world.runFor(10);
  assert.deepEqual(p.a.recv(p.s, 0), END);
  assert.equal(p.a.text(p.s), "data");
  p.a.nonblocking(p.s);
  assert.equal(p.a.recvError(p.s, 0), 10035);
});

test("R-22, R-23, X-18, X-19: bad buffers", async () => {
  const { a, s } = await connected();
  const list = a.at + 16;
  assert.equal(a.code("WSPRecv", s, list, 0, a.at + 8, a.at + 12, 0, 0, 0), 10022);
  assert.equal(a.code("WSPSend", s, list, 0, a.at + 8, 0, 0, 0, 0), 10022);
  a.setWord(16, -1);
  a.setWord(20, a.at + 768);
  a.setWord(12, 0);
  assert.equal(a.code("WSPRecv", s, list, 1, a.at + 8, a.at + 12, 0, 0, 0), 10014);
  assert.equal(a.code("WSPSend", s, list, 1, a.at + 8, 0, 0, 0, 0), 10014);
  a.setWord(16, 4);
  assert.equal(a.code("WSPSend", s, list, 1, 0, 0, 0, 0, 0), 10014);
  assert.equal(a.code("WSPRecv", s, list, 1, 0, a.at + 12, 0, 0, 0), 10014);
  assert.equal(a.code("WSPRecv", s, list, 1, a.at + 8, 0, 0, 0, 0), 10014);
  for (const pointer of [0, 0xfffffffc, 0x7ffffff0]) {
    a.setWord(20, pointer);
    assert.equal(a.code("WSPRecv", s, list, 1, a.at + 8, a.at + 12, 0, 0, 0), 10014);
    assert.equal(a.code("WSPSend", s, pointer, 1, a.at + 8, 0, 0, 0, 0), 10014);
    assert.equal(a.code("WSPSend", s, pointer, 0x20000000, a.at + 8, 0, 0, 0, 0), 10014);
  }
});

test("R-24: a shut receive side comes before data, FIN and RST", async () => {
  const p = await connected();
  p.a.shutdown(p.s, SD_RECEIVE);
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  assert.equal(p.a.recvError(p.s), 10058);
  reset(p);
  assert.equal(p.a.recvError(p.s), 10058);
});

test("R-27: FIONREAD counts what is unread", async () => {
  const p = await connected();
  p.b.send(p.t, 700);
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  assert.equal(p.a.unread(p.s), 700);
  p.a.recv(p.s, 300);
  assert.equal(p.a.unread(p.s), 400);
  p.a.recv(p.s);
  assert.equal(p.a.unread(p.s), 0);
});

test("R-28: MSG_PEEK leaves the data; at its end 0", async () => {
  const p = await connected();
  p.b.send(p.t, "seen twice");
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  assert.equal(new TextDecoder().decode(p.a.recv(p.s, 100, MSG_PEEK)), "seen twice");
  assert.equal(p.a.text(p.s), "seen twice");
  assert.deepEqual(p.a.recv(p.s, 100, MSG_PEEK), END);
});

test("R-29, X-35: MSG_WAITALL waits for all of it, or the end", async () => {
  const p = await connected();
  assert.equal(p.a.recvError(p.s, 1000, MSG_WAITALL), LASTACK_WAIT);
  for (let i = 0; i < 3; i++) {
    p.b.send(p.t, 250);
    p.world.runFor(100);
    assert.equal(p.a.recvError(p.s, 1000, MSG_WAITALL), LASTACK_WAIT);
  }
  p.b.send(p.t, 600);
  p.world.runFor(100);
  assert.equal(p.a.recv(p.s, 1000, MSG_WAITALL)?.length, 1000);
  assert.equal(p.a.recvError(p.s, 1000, MSG_WAITALL), LASTACK_WAIT);
  p.b.shutdown(p.t, SD_SEND);
  assert.equal(p.a.until(() => p.a.recv(p.s, 1000, MSG_WAITALL))?.length, 350);
  assert.deepEqual(p.a.recv(p.s, 1000, MSG_WAITALL), END);
  p.a.nonblocking(p.s);
  assert.equal(p.a.recvError(p.s, 10, MSG_WAITALL), 10045);
  assert.equal(p.a.recvError(p.s, 10, MSG_OOB), 10035);
  p.a.setOption(p.s, SOL_SOCKET, SO_OOBINLINE, 1);
  assert.equal(p.a.recvError(p.s, 10, MSG_OOB), 10022, "X-34");
});

test("R-29: what MSG_WAITALL had received stands in the buffers in order", async () => {
  const p = await connected();
  const all = Uint8Array.from({ length: 900 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  assert.equal(p.a.recvError(p.s, 900, MSG_WAITALL), LASTACK_WAIT);
  p.b.send(p.t, all.subarray(0, 400));
  p.world.runFor(60);
  assert.equal(p.a.recvError(p.s, 900, MSG_WAITALL), LASTACK_WAIT);
  p.b.send(p.t, all.subarray(400));
  p.world.runFor(60);
  assert.deepEqual(p.a.recv(p.s, 900, MSG_WAITALL), all);
});

test("R-30, T-33: SO_RCVTIMEO and SO_SNDTIMEO end a waiting call with 10060", async () => {
  const p = await connected({ configB: { recvBuffer: 2048 } });
  p.a.setOption(p.s, SOL_SOCKET, SO_RCVTIMEO, 100);
  for (let i = 0; i < 2; i++) {
    const start = p.world.nowMs;
    assert.equal(p.a.recvError(p.s), LASTACK_WAIT);
    p.a.until(() => p.a.recv(p.s));
    assert.equal(p.a.err, 10060);
    assert.ok(p.world.nowMs - start >= 100 && p.world.nowMs - start <= 110);
  }
  p.a.setOption(p.s, SOL_SOCKET, SO_SNDTIMEO, 250);
  while (p.a.send(p.s, 30_000) >= 0) p.world.runFor(1000);
  assert.equal(p.a.err, LASTACK_WAIT);
  const start = p.world.nowMs;
  const sent = p.a.until(() => p.a.send(p.s, 30_000));
  assert.ok(sent > 0 && sent < 30_000, "part of it was accepted: the count says how much");
  assert.ok(p.world.nowMs - start >= 250 && p.world.nowMs - start <= 260);
  assert.equal(p.a.sendError(p.s, 30_000), LASTACK_WAIT);
  p.a.until(() => p.a.send(p.s, 30_000));
  assert.equal(p.a.err, 10060);
});

test("R-31, O-43: keepalive without answers: 10052", async () => {
  const p = await connected({ config: { keepIdleMs: 10_000, keepIntervalMs: 1000, keepCount: 3 } });
  p.a.setOption(p.s, SOL_SOCKET, SO_KEEPALIVE, 1);
  p.link.b.close();
  p.world.runFor(20_000);
  assert.equal(p.a.recvError(p.s), 10052);
  p.a.close(p.s);
  assert.equal(p.a.report(p.s).outcome, "timedOut");
});

test("R-32: retransmissions exhausted: 10053 for the call that waited, 10060 for the one that finds it", async () => {
  const p = await connected({ config: { userTimeoutMs: 5000 } });
  p.link.b.close();
  p.a.send(p.s, "lost");
  assert.equal(p.a.recvError(p.s), LASTACK_WAIT);
  p.world.runFor(20_000);
  assert.equal(p.a.recvError(p.s), 10053);
  assert.equal(p.a.recvError(p.s), 10060);
  assert.equal(p.a.sendError(p.s), 10060);
});

test("R-33: a port unreachable answers one receive with 10054, unless SIO_UDP_CONNRESET is off", async () => {
  const { a, world } = await pair();
  const u = a.socket("udp");
  a.nonblocking(u);
  assert.equal(a.sendTo(u, "x", "10.0.0.2", 9), 0);
  world.runFor(10);
  assert.equal(a.recvError(u), 10054);
  assert.equal(a.recvError(u), 10035);
  assert.equal(a.sendTo(u, "x", "10.0.0.2", 9), 0, "sending goes on");
  assert.equal(a.ioctl(u, SIO_UDP_CONNRESET, 0), 0);
  world.runFor(10);
  assert.equal(a.recvError(u), 10035);
});

test("R-34: a datagram larger than the buffer fills it and says 10040", async () => {
  const { a, b, world } = await pair();
  const [u, v] = [a.socket("udp"), b.socket("udp")];
  a.bind(u, "0.0.0.0", 5000);
  b.sendTo(v, "0123456789", "10.0.0.1", 5000);
  b.sendTo(v, "next", "10.0.0.1", 5000);
  world.runFor(10);
  assert.equal(a.recvError(u, 4), 10040);
  assert.deepEqual(new TextDecoder().decode(a.bytes(768, 4)), "0123");
  assert.equal(a.text(u), "next", "the rest is lost");
});
