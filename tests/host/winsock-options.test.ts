/** Options and ioctls: chapters L and O, and O.2. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SWITCH_V12_ERROR_CLEARS, SWITCH_V13_DONTLINGER_INVERTED } from "../../host/abi/config.gen.ts";
import { CONGESTION_CUBIC, CONGESTION_NEWRENO, LSO_CONGESTION, LSO_CORK } from "../../host/abi/sockets.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import { B, connected, join, pair, PORT } from "./support/pair.ts";
import type { Spi } from "./support/spi.ts";

const SOCKET = W.SOL_SOCKET;
const { SO_LINGER, SO_DONTLINGER } = W;
/** Where the harness puts option values and lengths in its piece of the host area. */
const VALUE = 32;
const LENGTH = 4;

/** [code, length afterwards, bytes of the value] of a getsockopt into a buffer of 0xa5. */
function get(spi: Spi, s: number, level: number, name: number, length: number): [number, number, number[]] {
  spi.put(VALUE, new Uint8Array(8).fill(0xa5));
  spi.setWord(LENGTH, length);
  const code = spi.code("WSPGetSockOpt", s, level, name, spi.at + VALUE, spi.at + LENGTH);
  return [code, spi.word(LENGTH) | 0, [...spi.bytes(VALUE, 8)]];
}

test("L-01 … L-06, L-25: SO_LINGER is stored as it is given", async () => {
  const { a } = await pair();
  const s = a.socket();
  assert.deepEqual(a.linger(s), [0, 0]);
  assert.equal(a.optlen, 4);
  assert.equal(a.getOption(s, SOCKET, SO_DONTLINGER), 1, "L-02");
  for (const [on, seconds] of [[1, 0], [1, 555], [5, 189], [0x100, 1], [1, 65535]] as const) {
    assert.equal(a.setLinger(s, on, seconds), 0);
    assert.deepEqual(a.linger(s), [on, seconds]);
    assert.equal(a.getOption(s, SOCKET, SO_DONTLINGER), 0);
  }
  assert.equal(a.setLinger(s, 0, 73), 0);
  assert.equal(a.linger(s)[0], 0, "L-05");
});

test("L-07, L-08, L-09, L-10: SO_DONTLINGER turns it off and brings the seconds back", async () => {
  const { a } = await pair();
  const s = a.socket();
  a.setLinger(s, 1, 30);
  assert.equal(a.setOption(s, SOCKET, SO_DONTLINGER, 1), 0);
  assert.equal(a.linger(s)[0], 0);
  assert.equal(a.setOption(s, SOCKET, SO_DONTLINGER, 0), 0);
  assert.notEqual(a.linger(s)[0], 0);
  assert.equal(a.linger(s)[1], 30, "L-08");
  for (const value of [1, 0x100]) {
    a.setOption(s, SOCKET, SO_DONTLINGER, value);
    assert.equal(a.getOption(s, SOCKET, SO_DONTLINGER), 1, "L-10");
  }
  const fresh = a.socket();
  assert.equal(a.setOption(fresh, SOCKET, SO_DONTLINGER, 0), 0);
  assert.deepEqual(a.linger(fresh), [1, 0], "L-09: that arms a hard close");
});

test("V-13 the other way: SO_DONTLINGER with the opposite sense", async () => {
  const { a } = await pair({ config: { switches: SWITCH_V13_DONTLINGER_INVERTED } });
  const s = a.socket();
  a.setOption(s, SOCKET, SO_DONTLINGER, 1);
  assert.equal(a.linger(s)[0], 1);
});

test("L-11 … L-16, L-19, X-07, X-08: lengths and pointers of SO_LINGER", async () => {
  const { a } = await pair();
  const s = a.socket();
  a.setLinger(s, 1, 7);
  for (const length of [0, 1, 2, 3]) assert.equal(a.setOption(s, SOCKET, SO_LINGER, 0, length), 10014);
  for (const length of [4, 0]) {
    assert.equal(a.code("WSPSetSockOpt", s, SOCKET, SO_LINGER, 0, length), 10014, "L-14");
    assert.equal(a.code("WSPSetSockOpt", s, SOCKET, SO_DONTLINGER, 0, length), 10014, "L-16");
    assert.equal(a.code("WSPSetSockOpt", s, SOCKET, SO_LINGER, 0xfffffffe, 4), 10014);
  }
  assert.deepEqual(a.linger(s), [1, 7], "unchanged");
  assert.equal(a.setOption(s, SOCKET, SO_LINGER, 1 | (9 << 16), 8), 0);
  assert.deepEqual(a.linger(s), [1, 9], "L-13");
  assert.deepEqual(get(a, s, SOCKET, SO_LINGER, 8).slice(0, 2), [0, 4], "L-13");
  assert.deepEqual(get(a, s, SOCKET, SO_LINGER, 1), [10014, 1, [0, ...new Array(7).fill(0xa5)]], "L-12");
  assert.deepEqual(get(a, s, SOCKET, SO_LINGER, 2), [10014, 2, [0, 0, ...new Array(6).fill(0xa5)]], "L-12");
  for (const name of [SO_LINGER, SO_DONTLINGER]) {
    for (const length of [0, -1]) assert.deepEqual(get(a, s, SOCKET, name, length).slice(0, 2), [10014, length], "L-19");
  }
  assert.equal(a.code("WSPGetSockOpt", s, SOCKET, SO_LINGER, 0, a.at + LENGTH), 10014);
  assert.equal(a.code("WSPGetSockOpt", s, SOCKET, SO_LINGER, a.at + VALUE, 0), 10014, "X-11");
});

test("L-17, L-18, X-09, X-10: Booleans take short lengths, and -1 is long enough", async () => {
  const { a } = await pair();
  const s = a.socket();
  a.setLinger(s, 1, 30);
  assert.equal(a.setOption(s, SOCKET, SO_DONTLINGER, 1, 0), 0, "L-17");
  assert.deepEqual(a.linger(s), [1, 30], "no bytes, no change");
  for (const length of [1, 2]) assert.equal(a.setOption(s, SOCKET, SO_DONTLINGER, 1, length), 0);
  assert.deepEqual(get(a, s, SOCKET, SO_DONTLINGER, 1).slice(0, 2), [0, 1]);
  assert.equal(get(a, s, SOCKET, SO_DONTLINGER, 1)[2][0], 1);
  assert.equal(a.setOption(s, SOCKET, W.SO_RCVTIMEO, 5, -1), 0, "X-10");
  assert.equal(a.setOption(s, W.IPPROTO_TCP, W.TCP_NODELAY, 1, -1), 10055, "X-10");
  assert.equal(a.setOption(s, W.IPPROTO_TCP, W.TCP_NODELAY, 1, 0), 10014, "X-08");
});

test("L-20, L-21, O.2: options of the other kind of socket: 10042", async () => {
  const { a } = await pair();
  const [s, u] = [a.socket(), a.socket("udp")];
  for (const name of [SO_LINGER, SO_DONTLINGER, W.SO_OOBINLINE, W.SO_KEEPALIVE]) {
    assert.equal(a.setOption(u, SOCKET, name, 1), 10042);
    assert.equal(get(a, u, SOCKET, name, 4)[0], 10042);
    assert.equal(a.setOption(s, SOCKET, name, 1), 0);
    assert.equal(get(a, s, SOCKET, name, 4)[0], 0);
  }
  assert.equal(get(a, u, SOCKET, W.SO_ACCEPTCONN, 4)[0], 10042);
  assert.equal(a.setOption(u, W.IPPROTO_TCP, W.TCP_NODELAY, 1), 10042);
  assert.equal(a.setOption(s, SOCKET, W.SO_BROADCAST, 1), 10042);
  assert.equal(a.setOption(u, SOCKET, W.SO_BROADCAST, 1), 0);
  for (const h of [s, u]) {
    for (const name of [W.SO_ERROR, W.SO_RCVBUF, W.SO_SNDBUF, W.SO_RCVTIMEO, W.SO_SNDTIMEO, W.SO_REUSEADDR, W.SO_DEBUG, W.SO_DONTROUTE]) {
      assert.equal(a.setOption(h, SOCKET, name, 1), 0, `set ${name}`);
      assert.equal(a.getOption(h, SOCKET, name), 1, `get ${name}`);
    }
  }
});

test("L-28, L-29, X-12, X-13: closed handles, unknown levels, unknown options", async () => {
  const { a } = await pair();
  const s = a.socket();
  const closed = a.socket();
  a.close(closed);
  assert.deepEqual(get(a, closed, SOCKET, SO_LINGER, 4), [10038, 4, new Array(8).fill(0xa5)]);
  assert.equal(a.setLinger(closed, 1, 1), 10038);
  for (const level of [-1, 0x8000, 0x1234ffff]) {
    assert.equal(a.setOption(s, level, SO_LINGER, 1), 10022);
    assert.equal(get(a, s, level, SO_LINGER, 4)[0], 10022);
  }
  for (const [level, name] of [[SOCKET, 0x9999], [W.IPPROTO_TCP, 99], [W.IPPROTO_IP, 99], [W.SOL_LASTACK, 99]] as const) {
    assert.equal(a.setOption(s, level, name, 1), 10042);
    assert.equal(get(a, s, level, name, 4)[0], 10042);
  }
});

test("O-01, O-07, O-08, V-12: SO_ERROR", async () => {
  for (const [switches, second] of [[0, 1234], [SWITCH_V12_ERROR_CLEARS, 0]] as const) {
    const { a } = await pair({ config: { switches } });
    const s = a.socket();
    assert.equal(a.getOption(s, SOCKET, W.SO_ERROR), 0);
    assert.equal(a.setOption(s, SOCKET, W.SO_ERROR, 1234), 0);
    assert.deepEqual([a.getOption(s, SOCKET, W.SO_ERROR), a.getOption(s, SOCKET, W.SO_ERROR)], [1234, second]);
    assert.equal(get(a, s, SOCKET, W.SO_ERROR, 1)[0], 10014);
  }
});

test("O-09 … O-16: who may share a port", async () => {
  const { a } = await pair();
  const NONE = 0;
  const { SO_REUSEADDR: REUSE, SO_EXCLUSIVEADDRUSE: EXCLUSIVE } = W;
  const any = "0.0.0.0";
  const own = "10.0.0.1";
  const cases: [first: number, second: number, where: [string, string], code: number][] = [
    [NONE, NONE, [any, any], 10048], [NONE, NONE, [own, own], 10048], [NONE, NONE, [any, own], 0], [NONE, NONE, [own, any], 0],
    [NONE, REUSE, [any, any], 10013], [NONE, REUSE, [own, own], 10013], [NONE, EXCLUSIVE, [any, any], 10048],
    [REUSE, REUSE, [any, any], 0], [REUSE, REUSE, [own, own], 0], [REUSE, NONE, [any, any], 10048], [NONE, EXCLUSIVE, [own, any], 10048],
    [EXCLUSIVE, NONE, [any, any], 10048], [EXCLUSIVE, EXCLUSIVE, [any, any], 10048], [EXCLUSIVE, REUSE, [any, any], 10013],
    [EXCLUSIVE, NONE, [any, own], 10013], [EXCLUSIVE, REUSE, [any, own], 10013], [EXCLUSIVE, NONE, [own, own], 10048],
    [EXCLUSIVE, NONE, [own, any], 0], [NONE, NONE, [own, "127.0.0.1"], 0],
  ];
  for (const [first, second, [where1, where2], code] of cases) {
    const [s1, s2] = [a.socket(), a.socket()];
    if (first) a.setOption(s1, SOCKET, first, 1);
    if (second) a.setOption(s2, SOCKET, second, 1);
    assert.equal(a.bind(s1, where1, 8000), 0);
    assert.equal(a.bind(s2, where2, 8000), code, `${first} on ${where1}, then ${second} on ${where2}`);
    const u = a.socket("udp");
    assert.equal(a.bind(u, where1, 8000), 0, "UDP ports are others");
    for (const h of [s1, s2, u]) a.close(h);
  }
  const s = a.socket();
  a.setOption(s, SOCKET, REUSE, 1);
  assert.equal(a.setOption(s, SOCKET, EXCLUSIVE, 1), 10022, "O-13");
  a.setOption(s, SOCKET, REUSE, 0);
  assert.equal(a.setOption(s, SOCKET, EXCLUSIVE, 1), 0, "O-14");
  assert.equal(a.setOption(s, SOCKET, REUSE, 1), 10022, "O-13");
});

test("O-12: the specific listener gets the connections", async () => {
  const { a, b, world } = await pair();
  const [wild, specific] = [b.socket(), b.socket()];
  assert.deepEqual([b.bind(wild, "0.0.0.0", PORT), b.listen(wild), b.bind(specific, B, PORT), b.listen(specific)], [0, 0, 0, 0]);
  const s = a.socket();
  assert.equal(a.until(() => a.connect(s, B, PORT)), 0);
  world.runFor(60);
  b.nonblocking(wild);
  assert.equal(b.accept(wild), 0xffffffff);
  assert.notEqual(b.accept(specific), 0xffffffff);
});

test("O-22, O-23, O-24: the condition of WSPAccept", async () => {
  const { a, b, world } = await pair();
  const listener = b.listener(PORT);
  assert.equal(b.setOption(listener, SOCKET, W.SO_CONDITIONAL_ACCEPT, 1), 10022, "O-24");
  const s = a.socket();
  assert.equal(a.until(() => a.connect(s, B, PORT)), 0);
  world.runFor(10);
  b.accept(listener, 1);
  assert.equal(b.err, 20002);
  assert.equal(b.raw("acceptDecide", listener, 9), 10022);
  assert.equal(b.raw("acceptDecide", s + 999, 0), 10038);
  assert.equal(b.raw("acceptDecide", listener, W.CF_REJECT), 0);
  b.accept(listener, 1);
  assert.equal(b.err, 10061);
  world.runFor(10);
  assert.equal(a.recvError(s), 10054, "O-22");
  const again = a.socket();
  assert.equal(a.until(() => a.connect(again, B, PORT)), 0);
  world.runFor(10);
  b.accept(listener, 1);
  b.raw("acceptDecide", listener, W.CF_ACCEPT);
  assert.notEqual(b.accept(listener, 1), 0xffffffff);
});

test("O-26: SO_OPENTYPE belongs to the thread, not to a socket", async () => {
  const { a } = await pair();
  assert.equal(a.getOption(4711, SOCKET, W.SO_OPENTYPE), 0);
  assert.equal(a.setOption(4711, SOCKET, W.SO_OPENTYPE, 0x20), 0);
  assert.equal(a.getOption(a.socket(), SOCKET, W.SO_OPENTYPE), 0x20);
});

test("O-28, O-29: SO_PROTOCOL_INFO", async () => {
  const { a } = await pair();
  for (const [type, kind, protocol] of [["tcp", 1, 6], ["udp", 2, 17]] as const) {
    const s = a.socket(type);
    for (const [name, size] of [[W.SO_PROTOCOL_INFOW, 628], [W.SO_PROTOCOL_INFOA, 372]] as const) {
      a.setWord(LENGTH, 1000);
      assert.equal(a.code("WSPGetSockOpt", s, SOCKET, name, a.at + 768, a.at + LENGTH), 0);
      assert.equal(a.word(LENGTH), size);
      assert.deepEqual([a.word(768 + 76), a.word(768 + 88), a.word(768 + 92)], [2, kind, protocol]);
      a.setWord(LENGTH, size - 1);
      assert.equal(a.code("WSPGetSockOpt", s, SOCKET, name, a.at + 768, a.at + LENGTH), 10014);
      assert.equal(a.word(LENGTH), size);
    }
    assert.equal(a.word(768) & (type === "tcp" ? 0x20 : 1), type === "tcp" ? 0x20 : 1, "K.5");
    const copy = a.call("WSPSocket", -1, -1, -1, a.at + 768, 0, 0) >>> 0;
    assert.equal(a.getOption(copy, SOCKET, W.SO_TYPE), kind);
  }
});

test("O-30, O-31, O-38, O-39, O-40: options nobody sets", async () => {
  const { a } = await pair();
  const [s, u] = [a.socket(), a.socket("udp")];
  assert.equal(a.setOption(s, SOCKET, W.SO_TYPE, 2), 10042);
  assert.equal(a.setOption(s, SOCKET, W.SO_ACCEPTCONN, 1), 10042);
  assert.equal(a.setOption(u, SOCKET, W.SO_TYPE, 1), 10022);
  for (const name of [W.SO_RCVLOWAT, W.SO_SNDLOWAT]) {
    assert.equal(a.setOption(s, SOCKET, name, 1), 10022);
    assert.equal(get(a, s, SOCKET, name, 4)[0], 10022);
  }
  for (let name = 0x7000; name <= 0x7007; name++) {
    assert.equal(a.setOption(s, SOCKET, name, 1), 10042);
    assert.equal(get(a, s, SOCKET, name, 4)[0], 10042);
  }
});

test("O-32, O-33: SO_CONNECT_TIME, SO_MAX_MSG_SIZE, SO_ACCEPTCONN, SO_TYPE", async () => {
  const p = await connected();
  const { a, s } = p;
  p.world.runFor(5000);
  assert.equal(a.getOption(s, SOCKET, W.SO_CONNECT_TIME), 5);
  a.shutdown(s, W.SD_BOTH);
  p.world.runFor(2000);
  assert.equal(a.getOption(s, SOCKET, W.SO_CONNECT_TIME), 7);
  for (const h of [a.socket(), a.socket("udp")]) assert.equal(a.getOption(h, SOCKET, W.SO_CONNECT_TIME), 0xffffffff);
  assert.equal(a.getOption(a.socket("udp"), SOCKET, W.SO_MAX_MSG_SIZE), 65507);
  assert.deepEqual([a.getOption(a.listener(7500), SOCKET, W.SO_ACCEPTCONN), a.getOption(s, SOCKET, W.SO_ACCEPTCONN)], [1, 0]);
});

test("O-34: what an accepted socket inherits", async () => {
  const { a, b, world } = await pair();
  const listener = b.socket();
  const values: [number, number, number][] = [
    [SOCKET, W.SO_REUSEADDR, 1], [SOCKET, W.SO_KEEPALIVE, 1], [SOCKET, W.SO_OOBINLINE, 1], [SOCKET, W.SO_SNDBUF, 7777], [SOCKET, W.SO_RCVBUF, 8888],
    [SOCKET, W.SO_SNDTIMEO, 123], [SOCKET, W.SO_RCVTIMEO, 456], [W.IPPROTO_TCP, W.TCP_NODELAY, 1], [SOCKET, SO_LINGER, 1 | (42 << 16)],
  ];
  for (const [level, name, value] of values) assert.equal(b.setOption(listener, level, name, value), 0);
  b.bind(listener, "0.0.0.0", PORT);
  b.listen(listener);
  const s = a.socket();
  assert.equal(a.until(() => a.connect(s, B, PORT)), 0);
  world.runFor(10);
  const t = b.accept(listener);
  for (const [level, name, value] of values) assert.equal(b.getOption(t, level, name), value, `${level} ${name}`);
});

test("O-36: with SO_SNDBUF 0 a blocking send ends when the peer's stack has the bytes", async () => {
  const p = await connected({ link: { delayMs: 20 } });
  p.a.setOption(p.s, SOCKET, W.SO_SNDBUF, 0);
  const start = p.world.nowMs;
  assert.equal(p.a.until(() => p.a.send(p.s, 5000)), 5000);
  assert.ok(p.world.nowMs - start >= 40, `after ${p.world.nowMs - start} ms`);
  assert.equal(p.a.getOption(p.s, W.SOL_LASTACK, W.LSO_OUTSTANDING), 0);
});

test("O-41: while SO_PAUSE_ACCEPT is on, a SYN is refused", async () => {
  const p = await pair();
  const listener = p.b.listener(PORT);
  const attempt = (): number => {
    const s = p.a.socket();
    return p.a.until(() => p.a.connect(s, B, PORT));
  };
  assert.equal(p.b.setOption(listener, SOCKET, W.SO_PAUSE_ACCEPT, 1), 0);
  assert.equal(attempt(), 10061);
  assert.deepEqual(p.seen("RST", "b").length, 1);
  assert.equal(p.b.setOption(listener, SOCKET, W.SO_PAUSE_ACCEPT, 0), 0);
  assert.equal(attempt(), 0);
  const early = p.b.socket();
  p.b.setOption(early, SOCKET, W.SO_PAUSE_ACCEPT, 1);
  p.b.close(listener);
  assert.deepEqual([p.b.bind(early, "0.0.0.0", PORT), p.b.listen(early)], [0, 0]);
  assert.equal(attempt(), 10061, "set before listen");
});

test("SOL_LASTACK: outstanding bytes, the FIN's acknowledgement, reset", async () => {
  const p = await connected({ link: { delayMs: 20 } });
  const { a, s } = p;
  a.send(s, 1000);
  assert.equal(a.getOption(s, W.SOL_LASTACK, W.LSO_OUTSTANDING), 1000);
  p.world.runFor(200);
  assert.equal(a.getOption(s, W.SOL_LASTACK, W.LSO_OUTSTANDING), 0);
  a.shutdown(s, W.SD_SEND);
  assert.equal(a.getOption(s, W.SOL_LASTACK, W.LSO_FIN_ACKED), 0);
  p.world.runFor(200);
  assert.equal(a.getOption(s, W.SOL_LASTACK, W.LSO_FIN_ACKED), 1);
  assert.equal(a.setOption(s, W.SOL_LASTACK, W.LSO_RESET, 1), 0);
  p.world.runFor(50);
  assert.equal(p.seen("RST", "a").length, 1);
  assert.equal(a.setOption(a.socket(), W.SOL_LASTACK, W.LSO_RESET, 1), 10057);
});

test("X-14, X-15, X-16: ioctls", async () => {
  const p = await connected();
  const { a, s } = p;
  const ioctl = (code: number, input: number, inLength: number, output: number, outLength: number, returned = a.at + 8): number =>
    a.code("WSPIoctl", s, code, input, inLength, output, outLength, returned, 0, 0, 0);
  assert.equal(ioctl(W.FIONBIO, 0, 4, 0, 0), 10014, "X-14");
  assert.equal(ioctl(W.FIONBIO, 0xfffffffe, 4, 0, 0), 10014, "X-14");
  assert.equal(ioctl(W.FIONBIO, a.at + VALUE, 3, 0, 0), 10014);
  assert.equal(ioctl(W.FIONBIO, a.at + VALUE, 4, 0, 0, 0), 10014, "X-15");
  assert.equal(ioctl(W.FIONREAD, 0, 0, 0, 4), 10014);
  assert.equal(ioctl(0x12345678, 0, 0, 0, 0), 10045, "X-16");
  a.setWord(VALUE, 0);
  assert.equal(ioctl(W.SIO_TCP_INFO, a.at + VALUE, 4, a.at + 768, 88), 0);
  assert.deepEqual([a.word(768), a.word(8)], [W.TCP_ESTABLISHED, 88]);
  assert.equal(ioctl(W.SIO_TCP_INFO, a.at + VALUE, 4, a.at + 768, 87), 10014);
  a.setWord(VALUE, 1);
  assert.equal(ioctl(W.SIO_TCP_INFO, a.at + VALUE, 4, a.at + 768, 88), 10022);
  a.put(VALUE, new Uint8Array(new Uint32Array([1, 5000, 500]).buffer));
  assert.equal(ioctl(W.SIO_KEEPALIVE_VALS, a.at + VALUE, 12, 0, 0), 0);
  assert.equal(a.getOption(s, SOCKET, W.SO_KEEPALIVE), 1);
  assert.equal(a.getOption(s, W.IPPROTO_TCP, W.TCP_KEEPALIVE), 5);
  p.link.b.close();
  p.world.runFor(5000 + 10 * 500 + 1000);
  assert.equal(a.recvError(s), 10052);
});

test("TCP_NODELAY and the keepalive numbers", async () => {
  const { a, s } = await connected();
  for (const [name, good, bad] of [[W.TCP_KEEPALIVE, 60, 0], [W.TCP_KEEPINTVL, 5, 0], [W.TCP_KEEPCNT, 7, 256]] as const) {
    assert.equal(a.setOption(s, W.IPPROTO_TCP, name, good), 0);
    assert.equal(a.getOption(s, W.IPPROTO_TCP, name), good);
    assert.equal(a.setOption(s, W.IPPROTO_TCP, name, bad), 10022);
    assert.equal(a.setOption(s, W.IPPROTO_TCP, name, good, 3), 10014);
  }
  assert.equal(a.setOption(s, W.IPPROTO_TCP, W.TCP_NODELAY, 1, 1), 0);
  assert.equal(a.getOption(s, W.IPPROTO_TCP, W.TCP_NODELAY), 1);
});

test("LSO_CORK: off until it is set, of a socket or its listener, not of others", async () => {
  const made = await pair();
  const { b } = made;
  const cork = (s: number): number => b.getOption(s, W.SOL_LASTACK, LSO_CORK);
  const listener = b.listener(PORT);
  const plain = join(made, listener).t;
  assert.equal(b.setOption(listener, W.SOL_LASTACK, LSO_CONGESTION, CONGESTION_NEWRENO), 0);
  assert.equal(b.setOption(listener, W.SOL_LASTACK, LSO_CORK, 7), 0);
  const corked = join(made, listener).t;
  assert.deepEqual([cork(plain), cork(listener), cork(corked)], [0, 1, 1]);
  assert.equal(b.setOption(corked, W.SOL_LASTACK, LSO_CONGESTION, CONGESTION_CUBIC), 0);
  assert.equal(cork(corked), 1);
  assert.equal(b.setOption(corked, W.SOL_LASTACK, LSO_CORK, 0), 0);
  assert.deepEqual([cork(corked), b.getOption(corked, W.SOL_LASTACK, LSO_CONGESTION), cork(listener)], [0, CONGESTION_CUBIC, 1]);
  assert.equal(b.getOption(listener, W.SOL_LASTACK, LSO_CONGESTION), CONGESTION_NEWRENO);
  assert.equal(b.setOption(plain, W.SOL_LASTACK, LSO_CORK, 1, 3), 10014);
  assert.equal(b.setOption(b.socket("udp"), W.SOL_LASTACK, LSO_CORK, 1), 10042);
});

test("O-34: what a listener is set to goes to what it accepts, and what one socket changes concerns no other", async () => {
  const made = await pair();
  const { b } = made;
  const listener = b.listener(PORT);
  const names = [W.SO_SNDTIMEO, W.SO_RCVTIMEO, W.SO_RCVBUF, W.SO_SNDBUF];
  const values = (s: number): number[] => names.map((name) => b.getOption(s, SOCKET, name));
  const standard = values(b.socket());
  assert.equal(b.setOption(listener, SOCKET, W.SO_SNDTIMEO, 1111), 0);
  assert.equal(b.setOption(listener, SOCKET, W.SO_RCVBUF, 20_000), 0);
  const [, timeout, , size] = standard as [number, number, number, number];
  const set = [1111, timeout, 20_000, size];
  const first = join(made, listener).t;
  const second = join(made, listener).t;
  assert.deepEqual([values(listener), values(first), values(second), values(b.socket())], [set, set, set, standard]);
  assert.equal(b.setOption(first, SOCKET, W.SO_RCVTIMEO, 2222), 0);
  assert.equal(b.setOption(listener, SOCKET, W.SO_SNDTIMEO, 3333), 0);
  assert.equal(b.setOption(second, W.IPPROTO_TCP, W.TCP_KEEPCNT, 7), 0);
  assert.deepEqual(values(first), [1111, 2222, 20_000, size]);
  assert.deepEqual(values(second), set);
  assert.deepEqual(values(listener), [3333, timeout, 20_000, size]);
  assert.deepEqual([first, second, listener].map((s) => b.getOption(s, W.IPPROTO_TCP, W.TCP_KEEPCNT)), [10, 7, 10]);
  b.code("WSPCloseSocket", listener);
  assert.deepEqual([values(first), values(second)], [[1111, 2222, 20_000, size], set]);
  assert.deepEqual(values(join(made, b.listener(PORT)).t), standard);
});
