/** Tests that faults put into the core on purpose (tests/mutants) have shown to be missing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { OP_RECV } from "../../host/abi/events.gen.ts";
import { LSO_DRAIN, SD_RECEIVE, SOL_LASTACK } from "../../host/abi/winsock.gen.ts";
import { scripted } from "../sim/scripted.ts";
import { B, connected, pair, PORT } from "./support/pair.ts";

test("a RST at the window's right edge is outside and is passed over in silence", async () => {
  const { world, a, peer, s } = await scripted();
  peer.send("ACK");
  world.runFor(10);
  assert.equal(a.send(s, "x"), 1);
  world.runFor(10);
  const [segment] = peer.take();
  assert.ok(segment);
  // What was offered last: a's window field is scaled only if both SYNs said so, and the peer's did not.
  peer.send("RST", { seq: peer.sndNxt + segment.window });
  world.runFor(100);
  assert.deepEqual(peer.take().filter(({ data }) => data.length === 0), [], "a challenge ACK would mean it was in the window");
  assert.equal(a.state(s), "ESTABLISHED");
});

test("a FIN behind text that does not fit goes with the text", async () => {
  const { world, a, peer, s } = await scripted(65_535, { recvBuffer: 4096 });
  for (let sent = 0; sent < 2800; sent += 1400) {
    peer.send("ACK", { data: new Uint8Array(1400) });
    world.runFor(1);
  }
  const left = 4096 - a.unread(s);
  // Two bytes more than the window takes, and the FIN behind them.
  peer.send("FIN,ACK", { data: new Uint8Array(left + 2) });
  world.runFor(100);
  assert.equal(a.state(s), "ESTABLISHED", "the FIN stands behind bytes that were refused");
});

test("an ACK that only moves the window is no duplicate: three of them retransmit nothing", async () => {
  const { world, a, peer, s } = await scripted();
  assert.equal(a.send(s, 3000), 3000);
  world.runFor(5);
  const first = peer.rcvNxt;
  peer.take();
  for (let k = 1; k <= 4; k++) {
    peer.send("ACK", { ack: first, window: 65_535 - k });
    world.runFor(1);
  }
  assert.deepEqual(peer.take().map(({ seq }) => seq - first).filter((at) => at < 3000), []);
});

test("an acknowledgement of what was sent twice is no round trip: the timeout keeps its backoff (Karn)", async () => {
  const { world, a, peer, s } = await scripted();
  assert.equal(a.send(s, "once"), 4);
  const times = (within: number): number[] => {
    const found: number[] = [];
    for (let ms = 0; ms < within; ms++) {
      world.runFor(1);
      for (const _ of peer.take().filter(({ data }) => data.length > 0)) found.push(ms);
    }
    return found;
  };
  const before = times(650);
  assert.equal(before.length, 3, `sent at ${before}`);
  peer.send("ACK");
  world.runFor(1);
  assert.equal(a.send(s, "again"), 5);
  const [sent = 0, resent = 0] = times(2_000);
  const doubled = 2 * ((before[2] as number) - (before[1] as number));
  assert.ok(Math.abs(resent - sent - doubled) <= 3, `sent again after ${resent - sent} ms; expected ${doubled}`);
});

test("a four-tuple used again begins at a higher sequence number (RFC 6528)", async () => {
  const { world, a, wire } = await pair();
  for (let k = 0; k < 3; k++) {
    const s = a.socket();
    assert.equal(a.bind(s, "0.0.0.0", 5000), 0);
    assert.equal(a.connect(s, B, PORT), LASTACK_WAIT);
    world.runFor(100);
    assert.equal(a.close(s), 0);
    world.runFor(100);
  }
  const [one = 0, two = 0, three = 0] = wire.filter(({ flags }) => flags === "SYN").map(({ seq }) => seq);
  for (const step of [(two - one) >>> 0, (three - two) >>> 0]) assert.ok(step >= 200 * 250 && step < 1_000_000, `the next first number is ${step} further`);
});

test("SD_RECEIVE wakes a receive that waits", async () => {
  const { world, a, s } = await connected();
  assert.equal(a.as(1).recv(s), undefined);
  assert.equal(a.err, LASTACK_WAIT);
  assert.equal(a.as(2).shutdown(s, SD_RECEIVE), 0);
  world.runFor(1);
  assert.ok(a.wakes.some(({ handle, caller, operation }) => handle === s && caller === 1 && operation === OP_RECV));
  assert.equal(a.as(1).recvError(s), 10058);
});

test("a drain counts what it throws away: beyond its bytes the connection is reset", async () => {
  const { world, a, b, s, t } = await connected();
  a.put(1024, new Uint8Array(Uint32Array.of(1000, 5000).buffer));
  assert.equal(a.code("WSPSetSockOpt", s, SOL_LASTACK, LSO_DRAIN, a.at + 1024, 8), 0);
  assert.equal(a.close(s), 0);
  world.runFor(50);
  assert.equal(b.send(t, 600), 600);
  world.runFor(50);
  assert.equal(a.reports.length, 0);
  assert.equal(b.send(t, 600), 600);
  world.runFor(50);
  const { outcome, cause, bytesDiscarded } = a.report(s, 1);
  assert.deepEqual([outcome, cause], ["aborted", "dataAfterClose"]);
  assert.ok(bytesDiscarded >= 600, `${bytesDiscarded} discarded`);
  assert.equal(b.recvError(t), 10053, "R-06: the FIN was first");
});

test("text that wraps around the send ring at an odd place has the right checksum", async () => {
  // Odd amounts at a steady pace over a link with delay: the ring is never empty, and segments straddle its end everywhere.
  const { world, a, b, s, t } = await connected({ link: { delayMs: 20 } });
  let [sent, received] = [0, 0];
  for (let round = 0; round < 800; round++) {
    sent += a.send(s, 333);
    world.runFor(1);
    if (round % 8 === 0) received += b.recv(t)?.length ?? 0;
  }
  world.runFor(1_000);
  while (received < sent) {
    const part = b.recv(t);
    assert.ok(part && part.length > 0, `${received} of ${sent} bytes came`);
    received += part.length;
  }
  assert.equal(b.core.stats().tcpInErrs, 0, "no segment arrived with a wrong checksum");
  assert.equal(a.core.stats().tcpRetransSegs, 0);
});
