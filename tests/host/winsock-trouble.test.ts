/** Segments that stay unanswered (RFC 9293 §3.8.3): whom R1 tells, what a socket's own R2 does, what packets carry. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LSO_ERROR_REPORTS } from "../../host/abi/sockets.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import { connected } from "./support/pair.ts";

/** A connection whose peer's device is deaf from now on; asked() counts a's ARP requests. */
async function unanswered(adviceRetries: number) {
  const p = await connected({ configA: { adviceRetries, features: 0 } });
  p.link.b.readInto = () => 0;
  const before = p.a.core.stats().arpOut;
  return { ...p, asked: () => p.a.core.stats().arpOut - before };
}

test("R1: after so many timeouts, not one earlier, the next hop is asked again and the program told (MUST-20, SHLD-9)", async () => {
  for (const r1 of [1, 3]) {
    const { a, s, world, asked } = await unanswered(r1);
    assert.equal(a.setOption(s, W.SOL_LASTACK, LSO_ERROR_REPORTS, 1), 0);
    a.send(s, 10);
    // 200 ms, then doubled: timeouts at 200, 600, 1400 ms.
    world.runFor(r1 === 1 ? 190 : 1390);
    assert.deepEqual([a.troubles, asked(), a.core.stats().tcpNegativeAdvice], [[], 0, 0], `R1 = ${r1}`);
    world.runFor(20);
    assert.deepEqual(a.troubles.map(({ error, timeouts }) => [error, timeouts]), [[10060, r1]]);
    assert.deepEqual([asked(), a.core.stats().tcpNegativeAdvice], [1, 1]);
  }
});

test("who does not ask is not told (SHLD-20)", async () => {
  const { a, s, world } = await unanswered(1);
  assert.equal(a.getOption(s, W.SOL_LASTACK, LSO_ERROR_REPORTS), 0);
  a.send(s, 10);
  world.runFor(20_000);
  assert.deepEqual(a.troubles, []);
});

test("TCP_MAXRT in seconds and TCP_MAXRTMS in milliseconds are R2 (MUST-21); all ones is never", async () => {
  const { a, s, world } = await unanswered(3);
  assert.equal(a.getOption(s, W.IPPROTO_TCP, W.TCP_MAXRT), 120, "the stack's");
  assert.equal(a.setOption(s, W.IPPROTO_TCP, W.TCP_MAXRT, 7), 0);
  assert.equal(a.getOption(s, W.IPPROTO_TCP, W.TCP_MAXRTMS), 7000);
  assert.equal(a.setOption(s, W.IPPROTO_TCP, W.TCP_MAXRTMS, 604_800_001), 10022);
  a.send(s, 10);
  world.runFor(6990);
  assert.equal(a.state(s), "ESTABLISHED");
  world.runFor(20);
  assert.equal(a.state(s), "CLOSED");
  const other = await unanswered(3);
  assert.equal(other.a.setOption(other.s, W.IPPROTO_TCP, W.TCP_MAXRT, -1), 0);
  other.a.send(other.s, 10);
  other.world.runFor(600_000);
  assert.equal(other.a.state(other.s), "ESTABLISHED");
});

test("IP_TTL and IP_TOS: bounds, defaults, what accept inherits", async () => {
  const { a, b, s, t, listener } = await connected();
  assert.deepEqual([a.getOption(s, W.IPPROTO_IP, W.IP_TTL), a.getOption(s, W.IPPROTO_IP, W.IP_TOS)], [64, 0]);
  for (const [name, value] of [[W.IP_TTL, 0], [W.IP_TTL, 256], [W.IP_TOS, 256], [W.IP_TOS, -1]] as const) assert.equal(a.setOption(s, W.IPPROTO_IP, name, value), 10022);
  assert.equal(b.setOption(listener, W.IPPROTO_IP, W.IP_TTL, 9), 0);
  assert.equal(b.getOption(t, W.IPPROTO_IP, W.IP_TTL), 64, "accepted before");
});
