/** Network events by event object: chapter E.1 to E.3. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  SWITCH_V01_CLOSE_ABORTED, SWITCH_V02_CLOSE_EARLY, SWITCH_V03_EVENTS_PERSIST, SWITCH_V04_NEW_DATA_RECORDS, SWITCH_V24_SEND_CLEARS_WRITE,
} from "../../host/abi/config.gen.ts";
import {
  FD_ACCEPT, FD_ALL_EVENTS, FD_CLOSE, FD_READ, FD_WRITE, SD_BOTH, SD_RECEIVE, SD_SEND,
} from "../../host/abi/winsock.gen.ts";
import { B, type Connected, connected, pair, type PairOptions, PORT } from "./support/pair.ts";

interface Watched extends Connected {
  /** a's event object for s, everything asked for and what held enumerated. */
  readonly event: number;
  /** Enumerates on a. */
  seenByA(): Record<string, number> | undefined;
  tick(): void;
}

async function watched(options: PairOptions = {}, mask = FD_ALL_EVENTS): Promise<Watched> {
  const p = await connected(options);
  const event = p.a.event();
  assert.equal(p.a.select(p.s, event, mask), 0);
  p.a.enumerate(p.s, event);
  return { ...p, event, seenByA: () => p.a.enumerate(p.s, event), tick: () => p.world.runFor(60) };
}

function reset(p: Connected): void {
  p.b.setLinger(p.t, 1, 0);
  p.b.close(p.t);
  p.world.runFor(10);
}

test("E-01, E-02, E-03: WSPEventSelect makes nonblocking, and FIONBIO 0 needs it undone", async () => {
  const p = await connected();
  const event = p.a.event();
  assert.equal(p.a.select(p.s, event, FD_READ), 0);
  assert.equal(p.a.recvError(p.s), 10035);
  assert.equal(p.a.nonblocking(p.s, false), 10022);
  assert.equal(p.a.nonblocking(p.s, true), 0);
  assert.equal(p.a.select(p.s, 0, 0), 0);
  assert.equal(p.a.recvError(p.s), 10035, "even mask 0 leaves it nonblocking");
  assert.equal(p.a.nonblocking(p.s, false), 0);
  p.b.send(p.t, "x");
  p.world.runFor(10);
  assert.equal(p.a.isSet(event), false, "no further recording");
});

test("E-04: a second registration replaces the first and clears the record", async () => {
  const p = await connected();
  const [first, second] = [p.a.event(), p.a.event()];
  p.a.select(p.s, first, FD_READ);
  p.b.send(p.t, "x");
  p.world.runFor(10);
  assert.equal(p.a.isSet(first), true);
  p.a.select(p.s, second, FD_WRITE);
  assert.deepEqual(p.a.enumerate(p.s, second), { FD_WRITE: 0 });
});

test("E-06, E-07, E-10, X-26, X-27: bad arguments change nothing", async () => {
  const p = await watched();
  const { a, s, event } = p;
  assert.equal(a.select(s, 0, FD_READ), 10022);
  assert.equal(a.select(s, 4711, FD_READ), 10022);
  assert.equal(a.select(s, event, 0x400), 10022);
  assert.equal(a.select(4711, event, FD_READ), 10038);
  p.b.send(p.t, "x");
  p.tick();
  assert.equal(a.code("WSPEnumNetworkEvents", s, event, 0), 10014);
  assert.equal(a.code("WSPEnumNetworkEvents", s, event, 0xfffffff0), 10014);
  assert.equal(a.code("WSPEnumNetworkEvents", s, 4711, a.at + 224), 10022);
  assert.equal(a.code("WSPEnumNetworkEvents", 4711, event, a.at + 224), 10038);
  assert.equal(a.isSet(event), true);
  assert.deepEqual(p.seenByA(), { FD_READ: 0 });
});

test("E-08, E-09, E-11: enumerating copies, clears, resets; with no event object it resets none", async () => {
  const p = await watched();
  p.b.send(p.t, "x");
  p.tick();
  for (let k = 0; k < 11; k++) p.a.setWord(224 + 4 * k, 0xa5a5a5a5);
  assert.deepEqual(p.a.enumerate(p.s), { FD_READ: 0 });
  assert.equal(p.a.isSet(p.event), true, "E-09");
  assert.equal(p.a.word(224 + 4), 0, "FD_READ's entry");
  assert.deepEqual([1, 2, 3, 4, 5, 9].map((k) => p.a.word(228 + 4 * k)), new Array(6).fill(0xa5a5a5a5), "E-11");
  assert.deepEqual(p.a.enumerate(p.s, p.event), {});
  assert.equal(p.a.isSet(p.event), false, "E-08");
});

test("E-12, E-13, E-39: what the mask leaves out is not lost, and dropping a bit leaves the object set", async () => {
  const p = await watched({}, FD_WRITE);
  p.b.send(p.t, "x");
  p.tick();
  assert.deepEqual(p.seenByA(), {});
  p.a.select(p.s, p.event, FD_READ);
  assert.equal(p.a.isSet(p.event), true);
  p.a.select(p.s, p.event, FD_WRITE);
  assert.equal(p.a.isSet(p.event), true, "E-13");
  p.a.recv(p.s);
  p.b.shutdown(p.t, SD_SEND);
  p.tick();
  p.a.select(p.s, p.event, FD_CLOSE);
  assert.deepEqual(p.seenByA(), { FD_CLOSE: 0 }, "E-39");
});

test("E-14, E-59, E-70, E-71: the listener's registration, and its accepted sockets", async () => {
  const p = await pair();
  const { a, b } = p;
  const listener = b.listener(PORT);
  const event = b.event();
  b.select(listener, event, FD_ALL_EVENTS);
  assert.deepEqual(b.enumerate(listener, event), {});
  for (let i = 0; i < 2; i++) {
    const s = a.socket();
    a.nonblocking(s);
    a.connect(s, B, PORT);
  }
  p.world.runFor(60);
  assert.deepEqual(b.enumerate(listener, event), { FD_ACCEPT: 0 });
  const t = b.accept(listener);
  assert.equal(b.isSet(event), true, "FD_WRITE on the new socket and FD_ACCEPT for the next");
  assert.deepEqual(b.enumerate(listener, event), { FD_ACCEPT: 0 }, "E-71");
  assert.deepEqual(b.enumerate(t, event), { FD_WRITE: 0 }, "E-59");
  assert.equal(b.recvError(t), 10035, "nonblocking like its listener");
  b.accept(listener);
  assert.deepEqual(b.enumerate(listener, event), {});
  b.accept(listener);
  assert.equal(b.err, 10035);
});

test("E-18, E-55: without registration nothing is recorded; what was read before it neither", async () => {
  const p = await connected();
  p.b.send(p.t, "x");
  p.world.runFor(10);
  assert.deepEqual(p.a.enumerate(p.s), {});
  p.a.recv(p.s);
  p.a.select(p.s, p.a.event(), FD_READ | FD_CLOSE);
  assert.deepEqual(p.a.enumerate(p.s), {});
});

test("E-20, E-21, E-22, E-36, E-37: FD_CLOSE once per connection", async () => {
  const p = await watched();
  p.b.shutdown(p.t, SD_SEND);
  p.tick();
  assert.deepEqual(p.seenByA(), { FD_CLOSE: 0 });
  p.b.close(p.t);
  p.a.recv(p.s);
  p.a.send(p.s, "provokes a reset");
  p.tick();
  assert.equal(p.a.recvError(p.s), 10053);
  assert.deepEqual(p.seenByA(), {});
});

test("E-23, E-24, E-25, T-02: FD_CLOSE waits until the data is read (V-02)", async () => {
  const p = await watched();
  p.b.send(p.t, 100);
  p.b.shutdown(p.t, SD_SEND);
  p.tick();
  assert.deepEqual(p.seenByA(), { FD_READ: 0 });
  p.a.recv(p.s, 60);
  assert.deepEqual(p.seenByA(), { FD_READ: 0 });
  p.a.recv(p.s, 60);
  assert.deepEqual(p.seenByA(), { FD_CLOSE: 0 });
});

test("E-23, E-25, E-42: the other reading of V-02", async () => {
  const p = await watched({ config: { switches: SWITCH_V02_CLOSE_EARLY } });
  p.b.send(p.t, 100);
  p.b.shutdown(p.t, SD_SEND);
  p.tick();
  assert.deepEqual(p.seenByA(), { FD_READ: 0, FD_CLOSE: 0 });
  p.a.recv(p.s);
  assert.deepEqual(p.seenByA(), {});
});

test("E-27, V-01: a reset tells FD_CLOSE at once, even with data unread", async () => {
  for (const [switches, code] of [[0, 10054], [SWITCH_V01_CLOSE_ABORTED, 10053]] as const) {
    const p = await watched({ config: { switches } });
    p.b.send(p.t, "unread");
    p.tick();
    p.seenByA();
    reset(p);
    assert.deepEqual(p.seenByA(), { FD_CLOSE: code });
  }
});

test("E-28: a lost connection tells FD_CLOSE with 10053", async () => {
  const p = await watched({ config: { userTimeoutMs: 5000 } });
  p.link.b.close();
  p.a.send(p.s, "lost");
  p.world.runFor(20_000);
  assert.deepEqual(p.seenByA(), { FD_CLOSE: 10053 });
});

test("E-30, E-31, E-32, E-34: own shutdowns tell nothing; the peer's FIN after SD_SEND does", async () => {
  const p = await watched();
  p.a.shutdown(p.s, SD_SEND);
  p.b.shutdown(p.t, SD_RECEIVE);
  p.tick();
  assert.deepEqual(p.seenByA(), {});
  p.a.shutdown(p.s, SD_BOTH);
  p.tick();
  assert.deepEqual(p.seenByA(), {});
  p.b.shutdown(p.t, SD_SEND);
  p.tick();
  assert.deepEqual(p.seenByA(), { FD_CLOSE: 0 });
  assert.equal(p.a.state(p.s), "TIME_WAIT");
});

test("E-38, E-40, V-03: registering after the fact, and again after the report", async () => {
  for (const [switches, again] of [[0, {}], [SWITCH_V03_EVENTS_PERSIST, { FD_WRITE: 0, FD_CLOSE: 0 }]] as const) {
    const p = await connected({ config: { switches } });
    p.b.shutdown(p.t, SD_SEND);
    p.world.runFor(10);
    const event = p.a.event();
    p.a.select(p.s, event, FD_ALL_EVENTS);
    assert.deepEqual(p.a.enumerate(p.s, event), { FD_WRITE: 0, FD_CONNECT: 0, FD_CLOSE: 0 });
    p.a.select(p.s, event, FD_ALL_EVENTS);
    assert.deepEqual(p.a.enumerate(p.s, event), again);
    p.a.select(p.s, 0, 0);
    p.a.select(p.s, event, FD_ALL_EVENTS);
    assert.deepEqual(p.a.enumerate(p.s, event), again);
  }
});

test("E-44: a fresh connection that was reset shows all that happened", async () => {
  const p = await pair();
  const listener = p.b.listener(PORT);
  const s = p.a.socket();
  const event = p.a.event();
  p.a.select(s, event, FD_ALL_EVENTS);
  p.a.connect(s, B, PORT);
  p.world.runFor(60);
  const t = p.b.accept(listener);
  p.b.setLinger(t, 1, 0);
  p.b.close(t);
  p.world.runFor(10);
  assert.deepEqual(p.a.enumerate(s, event), { FD_WRITE: 0, FD_CONNECT: 0, FD_CLOSE: 10054 });
});

test("E-50 … E-54: FD_READ is level triggered by receives", async () => {
  const p = await watched();
  p.b.send(p.t, 100);
  p.tick();
  assert.deepEqual(p.seenByA(), { FD_READ: 0 });
  p.a.recv(p.s, 40);
  assert.equal(p.a.isSet(p.event), true);
  assert.deepEqual(p.seenByA(), { FD_READ: 0 }, "E-51");
  assert.equal(p.a.code("WSPRecv", p.s, 0, 1, p.a.at + 8, p.a.at + 12, 0, 0, 0), 10014);
  assert.deepEqual(p.seenByA(), { FD_READ: 0 }, "E-53");
  p.a.recv(p.s, 60);
  assert.deepEqual(p.seenByA(), {}, "E-52");
  assert.equal(p.a.recvError(p.s), 10035);
  assert.deepEqual(p.seenByA(), {});
  p.b.send(p.t, "x");
  p.tick();
  const other = p.a.event();
  p.a.select(p.s, other, FD_READ);
  assert.deepEqual(p.a.enumerate(p.s, other), { FD_READ: 0 }, "E-54");
});

test("E-57, V-04: more data without a receive in between", async () => {
  for (const [switches, seen] of [[0, {}], [SWITCH_V04_NEW_DATA_RECORDS, { FD_READ: 0 }]] as const) {
    const p = await watched({ config: { switches } });
    p.b.send(p.t, "one");
    p.tick();
    p.seenByA();
    p.b.send(p.t, "two");
    p.tick();
    assert.deepEqual(p.seenByA(), seen);
  }
});

test("E-58, E-60, E-61, V-24: FD_WRITE at once, then only after 10035", async () => {
  const p = await connected({ config: { sendBuffer: 32_768 }, configB: { recvBuffer: 4096 } });
  const event = p.a.event();
  p.a.select(p.s, event, FD_WRITE);
  assert.equal(p.a.send(p.s, 10), 10);
  assert.deepEqual(p.a.enumerate(p.s, event), { FD_WRITE: 0 }, "E-58, E-60");
  p.a.send(p.s, 10);
  p.world.runFor(60);
  assert.deepEqual(p.a.enumerate(p.s, event), {});
  let queued = 20;
  for (let n = p.a.send(p.s, 30_000); n >= 0; n = p.a.send(p.s, 30_000)) queued += n;
  assert.equal(p.a.err, 10035);
  p.world.runFor(60);
  assert.deepEqual(p.a.enumerate(p.s, event), {}, "no room for so much yet");
  let told = 0;
  let got = 0;
  p.world.runUntil(() => {
    got += p.b.recv(p.t)?.length ?? 0;
    if ("FD_WRITE" in (p.a.enumerate(p.s, event) ?? {})) told++;
    return got === queued;
  }, 600_000);
  assert.equal(got, queued);
  for (let i = 0; i < 10; i++) {
    p.world.runFor(50);
    if ("FD_WRITE" in (p.a.enumerate(p.s, event) ?? {})) told++;
  }
  assert.equal(told, 1, "E-61: once");
});

test("V-24 the other way: a send takes a recorded FD_WRITE back", async () => {
  const p = await connected({ config: { switches: SWITCH_V24_SEND_CLEARS_WRITE } });
  p.a.select(p.s, p.a.event(), FD_WRITE);
  p.a.send(p.s, 10);
  assert.deepEqual(p.a.enumerate(p.s), {});
});

test("E-62, E-63: FD_WRITE never after own SD_SEND; after the peer's FIN as before", async () => {
  const p = await connected();
  p.b.shutdown(p.t, SD_SEND);
  p.world.runFor(10);
  const event = p.a.event();
  p.a.select(p.s, event, FD_WRITE);
  assert.deepEqual(p.a.enumerate(p.s, event), { FD_WRITE: 0 }, "E-63");
  const q = await connected();
  q.a.shutdown(q.s, SD_SEND);
  q.a.select(q.s, q.a.event(), FD_WRITE);
  assert.deepEqual(q.a.enumerate(q.s), {}, "E-62");
});

test("E-64, E-65, E-66, E-67, E-68: FD_CONNECT", async () => {
  const p = await pair();
  const { a, b, world } = p;
  b.listener(PORT);
  const event = a.event();
  const s = a.socket();
  a.select(s, event, FD_ALL_EVENTS);
  assert.deepEqual(a.enumerate(s, event), {}, "E-68");
  a.connect(s, B, PORT);
  world.runFor(60);
  assert.deepEqual(a.enumerate(s, event), { FD_WRITE: 0, FD_CONNECT: 0 }, "E-64");
  a.select(s, event, FD_ALL_EVENTS);
  assert.deepEqual(a.enumerate(s, event), {}, "E-67");
  const failing = a.socket();
  a.select(failing, event, FD_ALL_EVENTS);
  a.connect(failing, B, PORT + 1);
  world.runFor(60);
  assert.deepEqual(a.enumerate(failing, event), { FD_CONNECT: 10061 }, "E-65");
  a.connect(failing, B, PORT);
  world.runFor(60);
  assert.deepEqual(a.enumerate(failing, event), { FD_WRITE: 0, FD_CONNECT: 0 }, "a new attempt, a new result");
  const early = a.socket();
  a.until(() => a.connect(early, B, PORT));
  a.select(early, event, FD_ALL_EVENTS);
  assert.deepEqual(a.enumerate(early, event), { FD_WRITE: 0, FD_CONNECT: 0 }, "E-66");
});

test("E-69, E-41: UDP", async () => {
  const { a, b, world } = await pair();
  const u = a.socket("udp");
  const event = a.event();
  a.select(u, event, FD_ALL_EVENTS);
  assert.deepEqual(a.enumerate(u, event), {}, "unbound");
  a.bind(u, "0.0.0.0", 5000);
  a.select(u, event, FD_ALL_EVENTS);
  assert.deepEqual(a.enumerate(u, event), { FD_WRITE: 0 });
  b.sendTo(b.socket("udp"), "x", "10.0.0.1", 5000);
  world.runFor(10);
  assert.deepEqual(a.enumerate(u, event), { FD_READ: 0 });
});

test("E-72, O-23: a deferred accept does not re-enable FD_ACCEPT", async () => {
  const p = await pair();
  const listener = p.b.listener(PORT);
  const event = p.b.event();
  p.b.select(listener, event, FD_ACCEPT);
  const s = p.a.socket();
  p.a.nonblocking(s);
  p.a.connect(s, B, PORT);
  p.world.runFor(60);
  assert.deepEqual(p.b.enumerate(listener, event), { FD_ACCEPT: 0 });
  p.b.accept(listener, 1);
  assert.equal(p.b.err, 20002);
  assert.equal(p.b.raw("acceptDecide", listener, 2), 0);
  p.b.accept(listener, 1);
  assert.equal(p.b.err, 11002);
  assert.deepEqual(p.b.enumerate(listener, event), {});
  assert.notEqual(p.b.accept(listener), 0xffffffff, "it can be accepted later");
});
