/** Bad input, provider start-up, names: chapters X and H, and pointers of every kind at every entry. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as W from "../../host/abi/winsock.gen.ts";
import { World } from "../../host/driver/index.ts";
import { B, connected, pair, PORT } from "./support/pair.ts";
import { coreModule, Spi } from "./support/spi.ts";

const INVALID = 0xffffffff;

test("X-01, H-22: before WSPStartup every call is 10093", async () => {
  const a = new Spi(await coreModule(), new World(), undefined, "");
  assert.equal(a.socket(), INVALID);
  assert.equal(a.err, 10093);
  for (const code of [a.bind(1, "0.0.0.0", 1), a.listen(1), a.shutdown(1, 1), a.close(1), a.nonblocking(1), a.setLinger(1, 1, 1), a.cleanup(), a.code("WSPCancelBlockingCall")]) {
    assert.equal(code, 10093);
  }
  assert.equal(a.recvError(1), 10093);
  assert.equal(a.sendError(1), 10093);
  assert.equal(a.accept(1), INVALID);
  assert.equal(a.err, 10093);
  assert.equal(a.enumerate(1), undefined);
  assert.equal(a.err, 10093);
  assert.equal(a.name(1), "");
  assert.equal(a.err, 10093);
});

test("H-20, H-23, H-24: WSPStartup", async () => {
  const a = new Spi(await coreModule(), new World(), undefined, "");
  const [data, table] = [a.at + 768, a.at + 96];
  for (const version of [0x0001, 0x0101, 0x0002, 0x0102]) assert.equal(a.startup(version), 10092);
  for (const [d, t] of [[0, table], [data, 0], [0xfffffff0, table], [data, 0xfffffff0]] as const) {
    assert.equal(a.raw("WSPStartup", 0x0202, d, 0, 0, t), 10014);
  }
  assert.equal(a.startup(0x0003), 0);
  assert.equal(a.word(768), 0x02020202, "wVersion and wHighVersion");
  assert.equal(new TextDecoder("utf-16le").decode(a.bytes(772, 14)), "Lastack");
  const exported = a.core.exports as unknown as { table: WebAssembly.Table } & Record<string, unknown>;
  const entries = [
    "WSPAccept", "", "", "WSPBind", "WSPCancelBlockingCall", "WSPCleanup", "WSPCloseSocket", "WSPConnect", "", "WSPEnumNetworkEvents",
    "WSPEventSelect", "", "WSPGetPeerName", "WSPGetSockName", "WSPGetSockOpt", "", "WSPIoctl", "", "WSPListen", "WSPRecv",
    "WSPRecvDisconnect", "WSPRecvFrom", "WSPSelect", "WSPSend", "WSPSendDisconnect", "WSPSendTo", "WSPSetSockOpt", "WSPShutdown",
    "WSPSocket", "",
  ];
  for (const [i, name] of entries.entries()) if (name) assert.equal(exported.table.get(a.word(96 + 4 * i)), exported[name], name);
});

test("X-31, X-32: arguments of WSPSocket", async () => {
  const { a } = await pair();
  const cases: [number[], number][] = [
    [[2, 1, 6], 0], [[2, 1, 0], 0], [[2, 2, 17], 0], [[2, 2, 0], 0], [[0, 1, 6], 0], [[2, 99, 0], 10044], [[99, 99, 0], 10044],
    [[99, 1, 0], 10047], [[99, 1, 99], 10047], [[2, 1, 99], 10043], [[2, 1, 17], 10043], [[2, 2, 6], 10043], [[0, 0, 0], 10022], [[2, 3, 1], 10044],
  ];
  for (const [[af, type, protocol], code] of cases) {
    const s = a.call("WSPSocket", af as number, type as number, protocol as number, 0, 0, 0) >>> 0;
    assert.equal(a.err, code, `${af}, ${type}, ${protocol}`);
    assert.equal(s === INVALID, code !== 0);
  }
  assert.equal(a.call("WSPSocket", 2, 1, 6, 0xfffffff0, 0, 0), -1);
  assert.equal(a.err, 10014);
  a.call("WSPSocket", 2, 1, 6, 0, 0, 0x10000);
  assert.equal(a.err, 10022);
});

test("a full handle table is 10024, and recovers", async () => {
  const { a } = await pair({ config: { maxSockets: 4 } });
  const all = [a.socket(), a.socket("udp"), a.socket(), a.event()];
  assert.equal(a.socket(), INVALID);
  assert.equal(a.err, 10024);
  assert.equal(a.event(), 0);
  a.close(all[0] as number);
  assert.notEqual(a.socket(), INVALID);
});

test("X-20: listen", async () => {
  const { a } = await pair();
  assert.equal(a.listen(a.socket()), 10022);
  assert.equal(a.listen(a.socket(), -5), 10022);
  assert.equal(a.listen(a.socket("udp")), 10045);
  const s = a.socket();
  a.bind(s, "0.0.0.0", 7600);
  assert.deepEqual([a.listen(s, -1), a.listen(s, 0x7fffffff)], [0, 0]);
});

test("X-21: accept", async () => {
  const p = await connected();
  const { b, listener } = p;
  b.setWord(4, 0);
  assert.equal(b.call("WSPAccept", listener, b.at + 64, b.at + 4, 0, 0), -1);
  assert.deepEqual([b.err, b.word(4)], [10014, 0]);
  for (const [addr, length] of [[b.at + 64, 0], [0xfffffff8, b.at + 4], [0, 0xfffffffe]] as const) {
    b.setWord(4, 16);
    b.call("WSPAccept", listener, addr, length, 0, 0);
    assert.equal(b.err, 10014);
  }
  b.accept(p.t);
  assert.equal(b.err, 10022);
  b.accept(b.socket("udp"));
  assert.equal(b.err, 10045);
});

test("X-22: bind", async () => {
  const { a } = await pair();
  const s = a.socket();
  const [name, length] = [a.at + 64, 16];
  a.put(64, Uint8Array.of(2, 0, 0x1f, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  for (const [at, n, code] of [[0, 16, 10014], [name, 15, 10014], [name, 0, 10014], [name, -1, 10014], [0xfffffff8, 16, 10014]] as const) {
    assert.equal(a.code("WSPBind", s, at, n), code);
  }
  a.setWord(64, 23);
  assert.equal(a.code("WSPBind", s, name, length), 10047);
  assert.equal(a.bind(s, "192.0.2.77", 80), 10049);
  assert.equal(a.bind(s, "10.0.0.1", 0), 0);
  assert.match(a.name(s), /^10\.0\.0\.1:(49|5\d|6\d)\d{3}$/);
  assert.equal(a.bind(s, "10.0.0.1", 0), 10022);
});

test("X-23: connect", async () => {
  const p = await connected();
  const { a } = p;
  const s = a.socket();
  a.nonblocking(s);
  assert.equal(a.connect(s, "10.0.0.99", 1), 10035);
  assert.equal(a.connect(s, "10.0.0.99", 1), 10037);
  assert.equal(a.connect(p.s, B, PORT), 10056);
  assert.equal(a.connect(a.listener(7700), B, PORT), 10022);
  for (const [address, port, code] of [["0.0.0.0", 1, 10049], [B, 0, 10049], ["255.255.255.255", 1, 10049], ["224.0.0.1", 1, 10049], ["10.0.0.255", 1, 10049], ["192.0.2.1", 1, 10051]] as const) {
    assert.equal(a.connect(a.socket(), address, port), code, address);
  }
  p.world.runFor(10_000);
  assert.equal(a.getOption(s, W.SOL_SOCKET, W.SO_ERROR), 10065, "nobody answers for that address");
});

test("X-24, X-25: names", async () => {
  const p = await connected();
  const { a } = p;
  assert.equal(a.name(a.socket()), "");
  assert.equal(a.err, 10022);
  a.setWord(4, 15);
  assert.equal(a.code("WSPGetSockName", p.s, a.at + 64, a.at + 4), 10014);
  assert.equal(a.word(4), 15);
  assert.equal(a.code("WSPGetPeerName", a.socket(), 0, 0), 10057);
  assert.equal(a.code("WSPGetPeerName", p.s, 0, 0), 10014);
  assert.equal(a.code("WSPGetPeerName", p.s, a.at + 64, 0), 10014);
});

test("X-33: sendto on a connected stream ignores the address", async () => {
  const p = await connected();
  assert.equal(p.a.sendTo(p.s, "hello", "192.0.2.55", 9), 0);
  p.world.runFor(10);
  assert.equal(p.b.text(p.t), "hello");
});

test("X-36, X-37: success stores 0, and a bad lpErrno only loses the code", async () => {
  const { a } = await pair();
  const s = a.socket();
  assert.equal(a.shutdown(s, 1), 10057);
  a.setWord(0, 10057);
  assert.equal(a.raw("WSPListen", a.listener(7800), 1, a.at), 0);
  assert.equal(a.word(0), 0);
  for (const bad of [0, -1, 0xfffffffe, 0x7fffffff]) {
    assert.equal(a.raw("WSPShutdown", s, 1, bad), -1);
    assert.equal(a.raw("WSPCloseSocket", 4711, bad), -1);
  }
});

test("whatever the arguments, no entry traps", async () => {
  const p = await connected();
  const { a, s, listener } = p;
  const entries = Object.keys(a.core.exports).filter((name) => /^(WSP|WSA)|^(reserve|commit|peek|consume|abortSocket|acceptDecide|socketState|caller|events|report)$/.test(name) && name !== "WSPCleanup");
  const u = a.socket("udp");
  a.bind(u, "0.0.0.0", 0);
  const handles = [s, listener, u, a.socket(), a.listener(7900), a.event(), 0, -1, 1];
  const inside = [a.at, a.at + 4, a.at + 768, a.at + 20_000];
  const options = [W.SO_LINGER, W.SO_DONTLINGER, W.SO_ERROR, W.SO_SNDBUF, W.SO_RCVBUF, W.SO_PROTOCOL_INFOW, W.SO_KEEPALIVE, W.SO_OPENTYPE];
  // Pointers outside memory, or into the host's area: a host that names the core's own memory has only itself to blame.
  const argument = fc.oneof(
    fc.constantFrom(...inside, 0, 1, 2, 4, 16, -1, 0x7fffffff, -0x80000000, -4, W.FIONBIO, W.SIO_TCP_INFO),
    fc.integer({ min: 0x10000000, max: 0x7fffffff }),
    fc.integer({ min: -0x80000000, max: -1 }),
  );
  const call = fc.record({ name: fc.constantFrom(...entries), handle: fc.constantFrom(...handles), rest: fc.array(argument, { minLength: 11, maxLength: 11 }) });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 30 }), (calls) => {
      for (const { name, handle, rest } of calls) {
        const named = name.endsWith("SockOpt") ? [W.SOL_SOCKET, options[(rest[0] ?? 0) & 7] ?? 0, ...rest] : rest;
        const result = (a.core.exports as unknown as Record<string, (...n: number[]) => number>)[name]?.(handle, ...named) ?? 0;
        if (name === "WSACreateEvent") a.raw("WSACloseEvent", result);
      }
      a.driver.kick();
      p.world.runFor(10);
    }),
    { seed: 20_210_701, numRuns: 1500 },
  );
  while (a.cleanup() === 0);
  assert.equal(a.startup(), 0);
  const t = a.as(0).socket();
  p.b.listener(7999);
  assert.equal(a.until(() => a.connect(t, B, 7999)), 0, "the core still works");
});
