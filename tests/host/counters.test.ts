/** Counters named after RFC 4022 and RFC 4293 count what those say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SD_SEND } from "../../host/abi/winsock.gen.ts";
import { B, connected, pair, PORT } from "./support/pair.ts";

test("opens, current connections, segments and resets (RFC 4022)", async () => {
  const p = await connected();
  const { a, b, s, t, world } = p;
  const active = a.core.stats();
  const passive = b.core.stats();
  assert.deepEqual([active.tcpActiveOpens, active.tcpPassiveOpens, active.tcpCurrEstab], [1, 0, 1]);
  assert.deepEqual([passive.tcpActiveOpens, passive.tcpPassiveOpens, passive.tcpCurrEstab], [0, 1, 1]);
  assert.equal(active.tcpOutSegs, p.wire.filter(({ from }) => from === "a").length);
  assert.equal(passive.tcpInSegs, active.tcpOutSegs);
  b.shutdown(t, SD_SEND);
  world.runFor(100);
  assert.equal(a.core.stats().tcpCurrEstab, 1, "CLOSE-WAIT counts");
  assert.equal(b.core.stats().tcpCurrEstab, 0, "FIN-WAIT-2 does not");
  a.abort(s);
  world.runFor(100);
  const { tcpCurrEstab, tcpEstabResets, tcpOutRsts, tcpOutSegs } = a.core.stats();
  assert.deepEqual([tcpCurrEstab, tcpEstabResets, tcpOutRsts], [0, 1, 1]);
  assert.equal(tcpOutSegs, p.wire.filter(({ from }) => from === "a").length, "a RST is a segment");
});

test("a refused attempt is an attempt that failed; a segment sent again is none sent", async () => {
  const p = await pair();
  const { a, b, world } = p;
  const s = a.socket();
  a.connect(s, B, PORT);
  world.runFor(100);
  assert.deepEqual([a.core.stats().tcpAttemptFails, a.core.stats().tcpCurrEstab, b.core.stats().tcpOutRsts], [1, 0, 1]);
  p.link.b.readInto = () => 0;
  const before = a.core.stats();
  a.connect(a.socket(), B, PORT);
  world.runFor(4000);
  const after = a.core.stats();
  assert.deepEqual([after.tcpOutSegs - before.tcpOutSegs, after.tcpRetransSegs - before.tcpRetransSegs], [1, 2]);
});

test("fragments (RFC 4293)", async () => {
  const p = await pair({ config: { mtuMax: 1500 } });
  const { a, b, world } = p;
  const from = a.socket("udp");
  const to = b.socket("udp");
  b.bind(to, "0.0.0.0", 9);
  a.sendTo(from, "x", B, 9);
  world.runFor(100);
  a.sendTo(from, new Uint8Array(4000), B, 9);
  world.runFor(100);
  const out = a.core.stats();
  const into = b.core.stats();
  assert.deepEqual([out.ipOutFragOks, out.ipOutFragCreates], [1, 3]);
  assert.deepEqual([into.ipReasmReqds, into.ipReasmOks, into.ipReasmFails], [3, 1, 0]);
});
