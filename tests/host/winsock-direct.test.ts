/** reserve and commit, peek and consume: sends and receives in the sense of every row, without a copy. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { FD_ALL_EVENTS, SD_BOTH, SD_RECEIVE, SD_SEND } from "../../host/abi/winsock.gen.ts";
import { connected } from "./support/pair.ts";
import type { Spi } from "./support/spi.ts";

const LENGTH = 4;

function reserve(spi: Spi, s: number, want: number): { at: number; length: number } {
  const at = spi.call("reserve", s, want, spi.at + LENGTH) >>> 0;
  return { at, length: at ? spi.word(LENGTH) : 0 };
}
function peek(spi: Spi, s: number): { at: number; length: number } {
  spi.setWord(LENGTH, 0xdead);
  const at = spi.call("peek", s, spi.at + LENGTH) >>> 0;
  return { at, length: spi.err ? -1 : spi.word(LENGTH) };
}
const commit = (spi: Spi, s: number, n: number): number => spi.call("commit", s, n);
const consume = (spi: Spi, s: number, n: number): number => spi.call("consume", s, n);

test("bytes written in place arrive and are read in place", async () => {
  const p = await connected({ config: { sendBuffer: 16_384, recvBuffer: 8192 } });
  const { a, b, s, t, world } = p;
  const total = 300_000;
  const value = (i: number): number => (i * 31 + (i >> 7)) & 0xff;
  let [sent, got] = [0, 0];
  world.runUntil(() => {
    if (sent < total) {
      const place = reserve(a, s, total - sent);
      if (place.at) {
        const n = Math.max(1, place.length - (sent & 1));
        for (let i = 0; i < n; i++) a.core.memory.u8[place.at + i] = value(sent + i);
        assert.equal(commit(a, s, n), n);
        sent += n;
      } else assert.equal(a.err, LASTACK_WAIT);
    }
    const found = peek(b, t);
    if (found.at) {
      const n = Math.max(1, found.length - (got & 3));
      for (let i = 0; i < n; i++) assert.equal(b.core.memory.u8[found.at + i], value(got + i), `byte ${got + i}`);
      assert.equal(consume(b, t, n), n);
      got += n;
    }
    return got === total;
  }, 600_000);
  assert.equal(got, total);
});

test("errors are those of send and receive", async () => {
  const p = await connected();
  const { a, b, s, t } = p;
  const fresh = a.socket();
  assert.deepEqual([reserve(a, fresh, 1).at, a.err], [0, 10057]);
  assert.deepEqual([peek(a, fresh).at, a.err], [0, 10057]);
  assert.deepEqual([reserve(a, 4711, 1).at, a.err], [0, 10038]);
  assert.deepEqual([reserve(a, s, 0).at, a.err], [0, 10022]);
  assert.deepEqual([a.call("reserve", s, 1, 0), a.err], [0, 10014]);
  assert.deepEqual([a.call("peek", s, 0xfffffffe), a.err], [0, 10014]);
  assert.deepEqual([reserve(a, a.socket("udp"), 1).at, a.err], [0, 10045]);
  assert.deepEqual([peek(a, s).at, a.err], [0, LASTACK_WAIT]);
  a.shutdown(s, SD_SEND);
  assert.deepEqual([reserve(a, s, 1).at, a.err], [0, 10058]);
  p.world.runFor(10);
  assert.deepEqual([peek(b, t), b.err], [{ at: 0, length: 0 }, 0], "the end: no bytes and no error");
  b.shutdown(t, SD_RECEIVE);
  assert.deepEqual([peek(b, t).at, b.err], [0, 10058]);
});

test("a place is good for the next call only", async () => {
  const p = await connected();
  const { a, b, s, t, world } = p;
  const cases: (() => void)[] = [
    () => a.send(s, "x"), () => world.runFor(1), () => a.socket(), () => reserve(a, 4711, 1), () => a.raw("WSPSelect", 0, 0, 0, 0, 0, 0), () => a.close(4711),
  ];
  for (const between of cases) {
    assert.ok(reserve(a, s, 100).at);
    a.driver.kick();
    between();
    assert.deepEqual([commit(a, s, 10), a.err], [-1, 10022], String(between));
  }
  const place = reserve(a, s, 100);
  assert.deepEqual([commit(a, s, place.length + 1), a.err], [-1, 10022], "more than reserved");
  b.send(t, "data");
  world.runFor(10);
  assert.equal(peek(a, s).length, 4);
  assert.deepEqual([commit(a, s, 1), a.err], [-1, 10022], "not reserved");
  assert.equal(peek(a, s).length, 4);
  assert.deepEqual([consume(a, s, 5), a.err], [-1, 10022]);
  peek(a, s);
  assert.equal(consume(a, s, 0), 0);
  assert.equal(a.text(s), "data");
});

test("a full buffer waits, or is 10035 and brings FD_WRITE back", async () => {
  const p = await connected({ config: { sendBuffer: 4096 }, configB: { recvBuffer: 2048 } });
  const { a, b, s, t, world } = p;
  const fill = (): void => {
    for (let place = reserve(a, s, 1000); place.at; place = reserve(a, s, 1000)) commit(a, s, place.length);
  };
  fill();
  assert.equal(a.err, LASTACK_WAIT);
  world.runFor(1000);
  fill();
  const event = a.event();
  a.select(s, event, FD_ALL_EVENTS);
  a.enumerate(s, event);
  fill();
  assert.equal(a.err, 10035);
  assert.deepEqual(a.enumerate(s, event), {});
  world.runUntil(() => {
    b.recv(t);
    return a.isSet(event);
  }, 60_000);
  assert.deepEqual(a.enumerate(s, event), { FD_WRITE: 0 });
  assert.ok(reserve(a, s, 1000).at);
});

test("E-51, E-25: consume re-enables FD_READ and lets FD_CLOSE through", async () => {
  const p = await connected();
  const { a, b, s, t } = p;
  const event = a.event();
  a.select(s, event, FD_ALL_EVENTS);
  a.enumerate(s, event);
  b.send(t, 100);
  b.shutdown(t, SD_BOTH);
  p.world.runFor(10);
  assert.deepEqual(a.enumerate(s, event), { FD_READ: 0 });
  peek(a, s);
  a.enumerate(s, event);
  peek(a, s);
  consume(a, s, 60);
  assert.deepEqual(a.enumerate(s, event), { FD_READ: 0 });
  peek(a, s);
  consume(a, s, 40);
  assert.deepEqual(a.enumerate(s, event), { FD_CLOSE: 0 });
});

test("a blocked reserve ends when the connection is lost or shut by another caller", async () => {
  const p = await connected({ configB: { recvBuffer: 2048 }, config: { sendBuffer: 4096 } });
  const { a, s } = p;
  for (let place = reserve(a, s, 4000); place.at; place = reserve(a, s, 4000)) commit(a, s, place.length);
  assert.equal(a.err, LASTACK_WAIT);
  p.b.setLinger(p.t, 1, 0);
  p.b.close(p.t);
  assert.equal(a.until(() => reserve(a, s, 1)).at, 0);
  assert.equal(a.err, 10054);
});
