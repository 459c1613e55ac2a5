/** The fuzzer: a short run on the debug build, and every known frame against connections in all eleven states. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { SeededRandom } from "../../host/base/random.ts";
import { captures } from "../fuzz/captures.ts";
import { fuzz, MEMORY_MOST } from "../fuzz/run.ts";
import { PHASES } from "../fuzz/talkers.ts";
import { STATES, Target } from "../fuzz/target.ts";
import { coreModule } from "./support/spi.ts";

const INPUTS = 30_000;
const SEED = 20_263;
const REGRESSIONS = new URL("../fuzz/regressions/", import.meta.url);

test(`${INPUTS} inputs on the debug build (seed ${SEED}): no trap, nothing left behind, 30 % reach a connection`, { timeout: 240_000 }, async () => {
  const { failure, depths, states, messages, memory } = fuzz({ module: await coreModule(), inputs: INPUTS, seed: SEED, captures: captures() });
  assert.equal(failure, undefined);
  assert.ok((depths[3] as number) > 0.3 * INPUTS, `${depths[3]} of ${INPUTS} inputs found a connection`);
  assert.ok((depths[4] as number) > 0.2 * INPUTS && (depths[5] as number) > 0.02 * INPUTS, `${depths[4]} were acceptable, ${depths[5]} changed something`);
  for (const state of STATES) if (state !== "CLOSED") assert.ok((states.get(state) as number) > INPUTS / 100, `${states.get(state)} inputs met ${state}`);
  for (const phase of PHASES) assert.ok((states.get(phase) as number) > INPUTS / 100, `${states.get(phase)} inputs met a connection of messages with ${phase}`);
  assert.ok(messages.received > INPUTS / 200 && messages.resets > INPUTS / 200, `messages: ${messages.received} received, ${messages.resets} connections reset`);
  assert.ok(Math.max(...memory) <= MEMORY_MOST, `memory grew: ${memory.join(", ")} bytes at the ends of the quarters of a core's life`);
});

test("a target has a connection in each of the eleven states", async () => {
  const target = new Target(await coreModule(), new SeededRandom(1));
  for (const subject of target.subjects) assert.equal(target.stateOf(subject), subject.state);
});

test("a target has a connection of messages in each phase", async () => {
  const { talkers } = new Target(await coreModule(), new SeededRandom(1));
  assert.deepEqual(talkers.list.map(({ state, handle, ref, reset }) => [state, handle >= 0, ref !== 0, reset]), [
    ["CR awaited", false, false, false], ["CC awaited", true, true, false], ["messages", true, true, false], ["DR sent", true, true, false],
  ]);
});

/** Frames of a regression file: a list with names, or what a run of the fuzzer has written. */
function frames(name: string): Uint8Array[] {
  const found = JSON.parse(readFileSync(new URL(name, REGRESSIONS), "utf8")) as { frame: string }[] | { frames: string[] };
  const texts = Array.isArray(found) ? found.map(({ frame }) => frame) : found.frames;
  return texts.map((text) => Uint8Array.from(Buffer.from(text, "hex")));
}

for (const name of readdirSync(REGRESSIONS).filter((one) => one.endsWith(".json")).sort()) {
  test(`regression ${name}`, async () => {
    const module = await coreModule();
    for (let seed = 1; seed <= 3; seed++) {
      const target = new Target(module, new SeededRandom(seed));
      for (const frame of frames(name)) {
        target.inject(frame);
        // The same from every peer's port, so that it meets the connections.
        for (const { rport, lport } of target.subjects) {
          const aimed = frame.slice();
          if (aimed.length < 38 || aimed[23] !== 6) continue;
          const view = new DataView(aimed.buffer);
          const sum = view.getUint16(34) + view.getUint16(36);
          view.setUint16(34, rport);
          view.setUint16(36, lport);
          // One's complement: what the ports add is taken from the checksum, so a right one stays right.
          if (aimed.length >= 52) view.setUint16(50, adjust(view.getUint16(50), sum, rport + lport));
          target.inject(aimed, 1);
        }
      }
      target.world.runFor(10_000);
      const fresh = target.subjects.find(({ state }) => state === "ESTABLISHED");
      assert.ok(fresh);
      target.renew(fresh);
      assert.equal(target.stateOf(fresh), "ESTABLISHED", "the core still takes connections");
    }
  });
}

function adjust(checksum: number, before: number, after: number): number {
  let sum = (~checksum & 0xffff) + after + 2 * 0xffff - before;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
