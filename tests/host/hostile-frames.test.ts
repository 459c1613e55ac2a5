/** 100,000 random and mutated frames into the debug build, whose wire accessors assert frame bounds. Fixed seed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { SD_SEND } from "../../host/abi/winsock.gen.ts";
import { SeededRandom } from "../../host/base/random.ts";
import { memoryLink } from "../../host/device/index.ts";
import { World } from "../../host/driver/index.ts";
import { hostileFrame } from "./support/hostile.ts";
import { coreModule, Spi } from "./support/spi.ts";

const FRAMES = 100_000;
const BATCH = 50;
const KEEP = 300;
const SEED = 20_261;

/** A connection from a to port 80 of b; undefined if the noise prevented it. */
function tryConnect(a: Spi, b: Spi, listener: number): [number, number] | undefined {
  const s = a.socket();
  assert.notEqual(s, 0xffffffff, `socket: ${a.err}`);
  a.connect(s, "10.0.0.2", 80);
  a.world.runFor(3_000);
  const code = a.connect(s, "10.0.0.2", 80);
  const t = b.accept(listener);
  if (code === 0 && t !== 0xffffffff) return [s, t];
  drop(a, s);
  if (t !== 0xffffffff) drop(b, t);
  return undefined;
}

/** Resets what is there and gives the handle back. */
function drop(spi: Spi, s: number): void {
  spi.abort(s);
  spi.close(s);
}

test(`${FRAMES} hostile frames: no trap, and a healthy transfer afterwards (seed ${SEED})`, { timeout: 300_000 }, async () => {
  const world = new World({ seed: SEED });
  const random = new SeededRandom(SEED);
  const corpus: Uint8Array[] = [];
  let injecting = false;
  const link = memoryLink({
    clock: world.clock,
    onFrame: (_direction, frame) => {
      if (injecting) return;
      if (corpus.length < KEEP) corpus.push(frame.slice());
      else corpus[random.next() % KEEP] = frame.slice();
    },
  });
  const module = await coreModule("debug");
  // Forged ARP replies mislead too: the truth must come back soon, or nothing connects for the rest of the run.
  const config = { neighborAgeMs: 1_000, timeWaitMs: 1_000, orphanTimeoutMs: 5_000, userTimeoutMs: 10_000 };
  const a = new Spi(module, world, link.a, "10.0.0.1/24", config);
  const b = new Spi(module, world, link.b, "10.0.0.2/24", config);
  assert.equal(a.startup() | b.startup(), 0);
  const listener = b.listener(80);
  const udp = b.socket("udp");
  assert.equal(b.bind(udp, "0.0.0.0", 53), 0);
  const from = a.socket("udp");

  let live: [number, number] | undefined;
  const parts = new Int32Array(2);
  for (let sent = 0; sent < FRAMES; sent += BATCH) {
    live ??= tryConnect(a, b, listener);
    // Real traffic between the blows keeps the corpus' sequence numbers current.
    if (live) {
      const [s, t] = live;
      a.send(s, 1 + (random.next() % 3_000));
      if (random.next() % 4 === 0) b.send(t, 100);
      a.sendTo(from, "hello", "10.0.0.2", 53);
      world.runFor(2);
      b.recv(t, 1 + (random.next() % 4_000));
      a.recv(s);
      b.recvFrom(udp);
      if (random.next() % 50 === 0) a.shutdown(s, SD_SEND);
      if (random.next() % 60 === 0) { a.close(s); b.close(t); live = undefined; }
    }
    injecting = true;
    for (let i = 0; i < BATCH; i++) {
      const frame = hostileFrame(random, corpus);
      parts[0] = 0;
      parts[1] = frame.length;
      (random.next() & 1 ? link.a : link.b).write(frame, parts, 0, 1);
    }
    injecting = false;
    world.runFor(random.next() % 20);
    if (live && (a.state(live[0]) === "CLOSED" || b.state(live[1]) === "CLOSED")) {
      drop(a, live[0]);
      drop(b, live[1]);
      live = undefined;
    }
  }
  const stats = b.core.stats();
  assert.ok(stats.tcpInSegs > FRAMES / 10, `only ${stats.tcpInSegs} frames reached TCP`);
  assert.ok(stats.ipInHdrErrors > 0 && stats.tcpInErrs > 0, "some were refused by IP and some by TCP");

  // The noise is over: what it left behind ends by its own timers, and a transfer works.
  if (live) { drop(a, live[0]); drop(b, live[1]); }
  world.runFor(600_000);
  for (let t = b.accept(listener); t !== 0xffffffff; t = b.accept(listener)) drop(b, t);
  world.runFor(600_000);
  const again = tryConnect(a, b, listener);
  assert.ok(again, "connected again");
  const [s, t] = again;
  const bytes = Uint8Array.from({ length: 30_000 }, (_, i) => (i * 31) >> 3);
  assert.equal(a.send(s, bytes), bytes.length);
  assert.equal(a.shutdown(s, SD_SEND), 0);
  const got: number[] = [];
  for (;;) {
    const part = b.until(() => b.recv(t));
    assert.ok(part, `receive: ${b.err}`);
    if (part.length === 0) break;
    got.push(...part);
  }
  assert.deepEqual(Uint8Array.from(got), bytes);
  assert.equal(b.close(t), 0);
  assert.equal(a.until(() => a.recv(s))?.length, 0);
  assert.notEqual(a.err, LASTACK_WAIT);
  assert.equal(a.close(s), 0);
  assert.equal(a.report(s).outcome, "graceful");
  assert.equal(b.report(t).outcome, "graceful");
  assert.equal(a.raw("orphans"), 0);
});
