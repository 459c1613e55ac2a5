/** The simulation: seeds pass, random programs pass, runs repeat, and the model notices what is wrong. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { readPcapng } from "../../host/device/index.ts";
import { scenarioOf, scenarios } from "../sim/program.ts";
import { runScenario } from "../sim/run.ts";
import { Wire } from "../sim/wire.ts";
import { repair } from "./support/hostile.ts";
import { coreModule } from "./support/spi.ts";

const SEEDS = 120;
const PROGRAMS = 80;
const SEED = 20_262;

test(`${SEEDS} seeds on the debug build`, { timeout: 240_000 }, async () => {
  const module = await coreModule();
  const outcomes = new Set<string>();
  const operations = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure, outcomes: found, operations: ended } = runScenario(scenarioOf(seed), { module });
    assert.equal(failure, undefined, `seed ${seed}: ${failure}`);
    for (const name of Object.keys(found)) outcomes.add(name);
    for (const name of Object.keys(ended)) operations.add(name);
  }
  for (const name of ["graceful", "delivered", "resetByPeer", "aborted", "timedOut", "notConnected"]) assert.ok(outcomes.has(name), `no close ended ${name}`);
  for (const kind of ["recv", "send", "accept", "connect", "disconnect"]) {
    for (const how of ["done", "cancelled"]) assert.ok(operations.has(`${kind} ${how}`), `no overlapped ${kind} ended ${how}`);
  }
});

test(`${PROGRAMS} random programs of socket calls (fast-check, seed ${SEED})`, { timeout: 240_000 }, async () => {
  const module = await coreModule();
  fc.assert(fc.property(scenarios(), (scenario) => {
    const { failure } = runScenario(scenario, { module });
    assert.equal(failure, undefined, failure);
  }), { seed: SEED, numRuns: PROGRAMS });
});

test("a seed is the same run every time, and its recording is what crossed the cable", async () => {
  const module = await coreModule();
  const folder = mkdtempSync(join(tmpdir(), "sim-"));
  try {
    const lines: string[][] = [];
    for (const pcap of [join(folder, "one.pcapng"), join(folder, "two.pcapng")]) {
      const trace: string[] = [];
      runScenario(scenarioOf(7), { module, pcap, trace: (line) => void trace.push(line) });
      lines.push(trace);
    }
    assert.deepEqual(lines[0], lines[1]);
    const one = readFileSync(join(folder, "one.pcapng"));
    const frames = readPcapng(one);
    assert.ok(frames.length > 20);
    assert.equal(frames.length, readPcapng(readFileSync(join(folder, "two.pcapng"))).length);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** A frame from 10.0.0.1:1000 to 10.0.0.2:7000, or the other way. */
function frame(back: boolean, flags: number, seq: number, ack: number, length = 0, window = 1000): Uint8Array {
  const bytes = new Uint8Array(54 + length);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, 0x0800);
  bytes.set([0x45, 0], 14);
  view.setUint16(16, 40 + length);
  bytes.set([64, 6], 22);
  bytes.set([10, 0, 0, back ? 2 : 1, 10, 0, 0, back ? 1 : 2], 26);
  view.setUint16(34, back ? 7000 : 1000);
  view.setUint16(36, back ? 1000 : 7000);
  view.setUint32(38, seq);
  view.setUint32(42, ack);
  bytes.set([0x50, flags], 46);
  view.setUint16(48, window);
  repair(bytes);
  return bytes;
}

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16] as const;

/** What the model says of frames after a handshake (client's first text byte 101, server's 501). */
function afterHandshake(...frames: Uint8Array[]): string {
  const found: string[] = [];
  const wire = new Wire((what) => void found.push(what));
  const end = wire.connection(0x0a000001, 1000, 0x0a000002, 7000).ends[0];
  wire.sent(frame(false, SYN, 100, 0));
  wire.sent(frame(true, SYN | ACK, 500, 101));
  wire.sent(frame(false, ACK, 101, 501));
  assert.deepEqual(found, []);
  end.ended = true;
  for (const one of frames) wire.sent(one);
  return found.join("\n");
}

test("the model notices a segment that no TCP would send", () => {
  assert.equal(afterHandshake(frame(false, ACK | FIN, 101, 501), frame(true, ACK, 501, 102)), "");
  assert.match(afterHandshake(frame(false, ACK, 101, 502)), /acknowledges 2 of 1 sent/);
  assert.match(afterHandshake(frame(false, ACK, 99, 501)), /SND.NXT was 1 and is -1/);
  assert.match(afterHandshake(frame(false, ACK, 101, 500)), /RCV.NXT was 1 and is 0/);
  assert.match(afterHandshake(frame(false, ACK, 101, 501, 0, 900)), /window's edge was 1001 and is 901/);
  assert.match(afterHandshake(frame(false, ACK, 101, 501, 1)), /bytes 0 to 1 of 0 given/);
  assert.match(afterHandshake(frame(false, FIN | ACK, 102, 501)), /the FIN stands after 1 bytes of 0/);
  assert.match(afterHandshake(frame(true, FIN | ACK, 501, 101)), /nobody has shut this side/);
  assert.match(afterHandshake(frame(false, RST | ACK, 101, 501), frame(false, ACK, 101, 501)), /nothing may follow a RST/);
  const wrong = frame(false, ACK, 101, 501);
  wrong[50] = 1;
  assert.match(afterHandshake(wrong), /a checksum is wrong/);
});
