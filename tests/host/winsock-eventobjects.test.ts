/** Event objects by themselves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pair } from "./support/pair.ts";

test("event objects: manual reset, announced once, dead after closing", async () => {
  const { a, world } = await pair();
  const [x, y] = [a.event(), a.event()];
  assert.equal(a.raw("WSASetEvent", x), 1);
  assert.equal(a.raw("WSASetEvent", x), 1);
  world.runFor(1);
  assert.deepEqual(a.signaled, [x]);
  a.setWord(32, y);
  a.setWord(36, x);
  assert.equal(a.raw("WSAWaitForMultipleEvents", 2, a.at + 32, 0), 1);
  assert.equal(a.raw("WSAWaitForMultipleEvents", 2, a.at + 32, 1), 258);
  a.raw("WSASetEvent", y);
  assert.equal(a.raw("WSAWaitForMultipleEvents", 2, a.at + 32, 1), 0);
  assert.equal(a.raw("WSAResetEvent", x), 1);
  assert.equal(a.raw("WSAWaitForMultipleEvents", 2, a.at + 32, 0), 0);
  assert.equal(a.raw("WSACloseEvent", y), 1);
  for (const name of ["WSASetEvent", "WSAResetEvent", "WSACloseEvent"]) assert.equal(a.raw(name, y), 0);
  assert.equal(a.raw("WSAWaitForMultipleEvents", 2, a.at + 32, 0), -1);
  for (const [n, at] of [[0, a.at], [65, a.at], [1, 0], [1, 0xfffffffe]] as const) assert.equal(a.raw("WSAWaitForMultipleEvents", n, at, 0), -1);
});
