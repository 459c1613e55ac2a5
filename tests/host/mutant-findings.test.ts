/** Tests that faults put into the core on purpose (tests/mutants) have shown to be missing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { OP_RECV } from "../../host/abi/events.gen.ts";
import { LSO_DRAIN, SD_RECEIVE, SOL_LASTACK } from "../../host/abi/winsock.gen.ts";
import { memoryLink } from "../../host/device/index.ts";
import { decodeFrame } from "../../host/device/trace.ts";
import { World } from "../../host/driver/index.ts";
import { scripted } from "../sim/scripted.ts";
import { ethernet, receive, send } from "./device-frames.ts";
import { B, connected, pair, PORT } from "./support/pair.ts";
import { coreModule, Spi } from "./support/spi.ts";

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

/** TSval of the SYNs that a fresh core sends to each of the hosts, all in its first millisecond, and a second later again. */
async function stampsOfSyns(seed: number, hosts: readonly number[]): Promise<{ first: number[]; second: number[] }> {
  const world = new World({ seed });
  const link = memoryLink({ clock: world.clock });
  const core = new Spi(await coreModule(), world, link.a, "10.0.0.1/24");
  assert.equal(core.startup(), 0);
  const stamps = (): number[] => hosts.map((host) => {
    const s = core.socket();
    assert.equal(core.nonblocking(s), 0);
    core.connect(s, `10.0.0.${host}`, PORT);
    world.runFor(0);
    for (let turn = 0; turn < 3; turn++) {
      for (const frame of receive(link.b)) {
        const { arp, tcp } = decodeFrame(frame);
        if (arp?.operation === "request") {
          send(link.b, ethernet(0x0806, [0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, host, ...frame.subarray(38, 42), ...frame.subarray(22, 32)], `02:00:00:00:00:0${host}`, "02:00:00:00:00:01"));
          world.runFor(0);
        }
        // MSS, SACK permitted, then the stamp.
        const at = tcp ? frame.findIndex((byte, i) => i >= 54 && byte === 8 && frame[i + 1] === 10) : -1;
        if (at < 0) continue;
        core.close(s);
        return new DataView(frame.buffer, frame.byteOffset).getUint32(at + 2);
      }
    }
    throw new Error(`no SYN with a timestamp went to 10.0.0.${host}`);
  });
  const first = stamps();
  world.runFor(1_000);
  receive(link.b);
  return { first, second: stamps() };
}

test("what a stack says the time is differs by peer and by run, and goes on for the same peer (RFC 7323 §5.4, §7.1)", async () => {
  const runs = await Promise.all([1, 2, 3].map((seed) => stampsOfSyns(seed, [2, 3])));
  const first = runs.flatMap((run) => run.first);
  assert.equal(new Set(first.map((stamp) => stamp >>> 16)).size, 6, `stamps of cores that started just now: ${first}`);
  for (const run of runs) {
    for (const [i, stamp] of run.second.entries()) {
      const later = (stamp - (run.first[i] as number)) | 0;
      assert.ok(later >= 999 && later <= 1_001, `the stamp moved by ${later} in a second`);
    }
  }
});

test("after a loss less is in the network than before: seven tenths at most, or half (RFC 5681 §3.1, RFC 9438 §4.6)", async () => {
  const { world, a, peer, s } = await scripted();
  /** Keeps the send queue full, lets everything leave that may, and returns the numbers after the segments that came. */
  const flight = (): number[] => {
    while (a.send(s, 16_384) > 0);
    world.runFor(5);
    return peer.take().filter(({ data }) => data.length > 0).map(({ seq, data }) => seq + data.length);
  };
  const acknowledged = (ends: readonly number[]): number[] => {
    for (const ack of ends) {
      peer.send("ACK", { ack });
      world.runFor(0);
    }
    return flight();
  };
  const before = peer.rcvNxt;
  let ends = flight();
  for (let round = 0; ends.length < 80; round++) {
    assert.ok(round < 10, `slow start reached ${ends.length} segments`);
    ends = acknowledged(ends);
  }
  const most = ends.length;
  const lost = ends[0] as number - 536;
  assert.ok(lost > before);
  // The first of them is lost, each of the others is answered by a duplicate ACK; the repeated one brings everything.
  for (let k = 1; k < most; k++) peer.send("ACK", { ack: lost });
  assert.ok(flight().includes(lost + 536), "the lost segment is sent again");
  ends = acknowledged([peer.rcvNxt]);
  const after: number[] = [];
  for (let round = 0; round < 9; round++) {
    after.push(ends.length);
    ends = acknowledged(ends);
  }
  assert.ok(Math.max(...after) <= 0.8 * most, `${most} segments at the loss, then ${after}`);
  assert.ok(Math.max(...after) >= 0.4 * most, `${most} segments at the loss, then ${after}`);
});

test("a port is not chosen while its four-tuple is in TIME_WAIT: 2,500 connections closed by the client have 2,500 ports", async () => {
  const { world, a, b } = await pair({ config: { maxSockets: 64, timeWaits: 4000 } });
  const listener = b.listener(PORT);
  const ports = new Set<string>();
  for (let i = 0; i < 2500; i++) {
    const s = a.socket();
    assert.equal(a.nonblocking(s), 0);
    assert.equal(a.connect(s, B, PORT), 10035);
    world.runFor(1);
    ports.add(a.name(s));
    const t = b.accept(listener);
    assert.equal(a.close(s), 0);
    world.runFor(1);
    assert.equal(b.close(t), 0);
    world.runFor(1);
  }
  assert.equal(a.core.stats().tcpTimeWaits, 2500);
  assert.equal(ports.size, 2500);
});
