/** WSPSelect: chapter E.4 as far as it is about select, and the rows about sockets closed meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { OP_SELECT } from "../../host/abi/events.gen.ts";
import { FD_READ, SD_RECEIVE, SD_SEND, SO_ERROR, SOL_SOCKET } from "../../host/abi/winsock.gen.ts";
import { B, type Connected, connected, pair, PORT } from "./support/pair.ts";

const all = (s: number): { read: number[]; write: number[]; except: number[] } => ({ read: [s], write: [s], except: [s] });

function reset(p: Connected): void {
  p.b.setLinger(p.t, 1, 0);
  p.b.close(p.t);
  p.world.runFor(10);
}

test("E-80: readable with data, and with the FIN", async () => {
  const p = await connected();
  assert.deepEqual(p.a.poll(all(p.s)), { n: 1, read: [], write: [p.s], except: [] });
  p.b.send(p.t, "x");
  p.world.runFor(10);
  assert.deepEqual(p.a.poll({ read: [p.s] }), { n: 1, read: [p.s], write: [], except: [] });
  p.a.recv(p.s);
  assert.equal(p.a.poll({ read: [p.s] }).n, 0);
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  assert.equal(p.a.poll({ read: [p.s] }).n, 1);
});

test("E-81, E-82: after a reset readable and writable, not exceptional", async () => {
  const p = await connected();
  reset(p);
  assert.deepEqual(p.a.poll(all(p.s)), { n: 2, read: [p.s], write: [p.s], except: [] });
  assert.equal(p.a.poll({ except: [p.s] }).n, 0);
});

test("E-83, E-84, O-02, O-03, O-04, O-05: a failed connect", async () => {
  const { a, b, world } = await pair();
  const s = a.socket();
  a.nonblocking(s);
  assert.equal(a.connect(s, B, PORT), 10035);
  world.runFor(60);
  assert.deepEqual(a.poll(all(s)), { n: 1, read: [], write: [], except: [s] });
  assert.deepEqual([a.getOption(s, SOL_SOCKET, SO_ERROR), a.getOption(s, SOL_SOCKET, SO_ERROR)], [10061, 10061]);
  b.listener(PORT);
  assert.equal(a.connect(s, B, PORT), 10035);
  assert.equal(a.getOption(s, SOL_SOCKET, SO_ERROR), 10061, "O-03");
  world.runFor(60);
  assert.equal(a.getOption(s, SOL_SOCKET, SO_ERROR), 0, "O-04");
  assert.deepEqual(a.poll(all(s)), { n: 1, read: [], write: [s], except: [] });
  const t = a.socket();
  assert.equal(a.until(() => a.connect(t, B, PORT + 1)), 10061);
  assert.equal(a.getOption(t, SOL_SOCKET, SO_ERROR), 0, "O-05");
  assert.deepEqual(a.poll({ except: [t] }).except, [t], "E-84");
});

test("E-85, E-86: sockets that were never used", async () => {
  const { a } = await pair();
  assert.equal(a.poll(all(a.socket())).n, 0);
  const u = a.socket("udp");
  assert.deepEqual(a.poll(all(u)), { n: 1, read: [], write: [u], except: [] });
});

test("E-87, E-88, X-01: what select refuses", async () => {
  const p = await connected();
  const { a, s } = p;
  assert.deepEqual(a.poll({ read: [s, 4711] }), { n: -1, read: [s, 4711], write: [], except: [] });
  assert.equal(a.err, 10038);
  for (const sets of [{}, { read: [] }, { read: [], write: [], except: [] }]) {
    assert.equal(a.poll(sets).n, -1);
    assert.equal(a.err, 10022);
  }
  assert.equal(a.code("WSPSelect", 0, 0xfffffffe, 0, 0, 0), 10014);
  a.setWord(768, 0x7fffffff);
  assert.equal(a.code("WSPSelect", 0, a.at + 768, 0, 0, 0), 10014);
  a.setWord(768, 1);
  a.setWord(772, s);
  assert.equal(a.code("WSPSelect", 0, a.at + 768, 0, 0, 0xfffffffe), 10014);
  a.setWord(32, -1);
  assert.equal(a.code("WSPSelect", 0, a.at + 768, 0, 0, a.at + 32), 10022);
  a.cleanup();
  assert.equal(a.poll({ read: [s] }).n, -1);
  assert.equal(a.err, 10093);
});

test("E-89: listed twice, counted once; many sockets", async () => {
  const p = await connected();
  assert.deepEqual(p.a.poll({ write: [p.s, p.s, p.s] }), { n: 1, read: [], write: [p.s], except: [] });
  const many = Array.from({ length: 40 }, () => p.a.socket("udp"));
  assert.deepEqual(p.a.poll({ write: [...many, ...many] }).write, many);
});

test("E-90: a wait ends when a socket is ready, or with the time, and the timeval stays", async () => {
  const p = await connected();
  const { a, b, s, t, world } = p;
  assert.equal(a.poll({ read: [s] }, 300).n, -1);
  assert.equal(a.err, LASTACK_WAIT);
  assert.deepEqual([a.word(32), a.word(36)], [0, 300_000]);
  const start = world.nowMs;
  assert.deepEqual(a.until(() => a.poll({ read: [s] }, 300)), { n: 0, read: [], write: [], except: [] });
  assert.ok(world.nowMs - start >= 300 && world.nowMs - start <= 301, `after ${world.nowMs - start} ms`);
  assert.equal(a.poll({ read: [s] }, null).n, -1);
  world.runFor(100_000);
  b.send(t, "x");
  assert.deepEqual(a.until(() => a.poll({ read: [s] }, null)), { n: 1, read: [s], write: [], except: [] });
  assert.equal(a.wakes.at(-1)?.operation, OP_SELECT);
});

test("E-90: whichever socket of the sets becomes ready ends the wait", async () => {
  const p = await connected();
  const u = p.a.socket("udp");
  p.a.bind(u, "0.0.0.0", 5000);
  const listener = p.a.listener(7400);
  const sets = { read: [p.s, u, listener] };
  p.a.poll(sets, null);
  p.b.sendTo(p.b.socket("udp"), "x", "10.0.0.1", 5000);
  assert.deepEqual(p.a.until(() => p.a.poll(sets, null)).read, [u]);
  p.a.recv(u);
  p.a.poll(sets, null);
  const c = p.b.socket();
  p.b.nonblocking(c);
  p.b.connect(c, "10.0.0.1", 7400);
  assert.deepEqual(p.a.until(() => p.a.poll(sets, null)).read, [listener]);
});

test("C-41, T-30: a socket closed while select waits is readable", async () => {
  const p = await connected();
  p.a.as(1).poll({ read: [p.s] }, null);
  assert.equal(p.a.as(2).close(p.s), 0);
  assert.deepEqual(p.a.as(1).until(() => p.a.poll({ read: [p.s] }, null), 1000), { n: 1, read: [p.s], write: [], except: [] });
});

test("C-42: closed while it stands in exceptfds only: 10038 and an empty set", async () => {
  const p = await connected();
  p.a.as(1).poll({ except: [p.s] }, null);
  assert.equal(p.a.as(2).close(p.s), 0);
  assert.deepEqual(p.a.as(1).until(() => p.a.poll({ except: [p.s] }, null), 1000), { n: -1, read: [], write: [], except: [] });
  assert.equal(p.a.err, 10038);
});

test("two callers select at once; a cancelled one gets 10004", async () => {
  const p = await connected();
  p.a.as(1).poll({ read: [p.s] }, null);
  p.a.as(2).poll({ read: [p.s] }, 5000);
  assert.equal(p.a.as(1).code("WSPCancelBlockingCall"), 0);
  p.a.as(1).poll({ read: [p.s] }, null);
  assert.equal(p.a.err, 10004);
  assert.equal(p.a.as(2).until(() => p.a.poll({ read: [p.s] }, 5000)).n, 0);
});

test("E-17: select changes no event record", async () => {
  const p = await connected();
  const event = p.a.event();
  p.a.select(p.s, event, FD_READ);
  p.b.send(p.t, "x");
  p.world.runFor(10);
  p.a.poll(all(p.s));
  assert.equal(p.a.isSet(event), true);
  assert.deepEqual(p.a.enumerate(p.s, event), { FD_READ: 0 });
  p.a.poll(all(p.s));
  assert.deepEqual(p.a.enumerate(p.s, event), {});
});

test("S-41: own shutdowns leave a socket writable; SD_RECEIVE alone does not make it readable", async () => {
  const p = await connected();
  p.a.shutdown(p.s, SD_RECEIVE);
  assert.deepEqual(p.a.poll(all(p.s)), { n: 1, read: [], write: [p.s], except: [] });
  p.a.shutdown(p.s, SD_SEND);
  p.world.runFor(10);
  assert.deepEqual(p.a.poll(all(p.s)), { n: 1, read: [], write: [p.s], except: [] });
});
