/** Ten thousand connections and a hundred thousand hostile frames on a board. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { buildFirmware, missingTools } from "../device/board.ts";
import { manyConnections, manyHostileFrames } from "../device/endurance.ts";

const missing = missingTools();
const skip = missing.length > 0 && `not installed: ${missing.join(", ")}`;
const CONNECTIONS = 10_000;
const FRAMES = 100_000;
const SEED = 90_210;

describe("a board under load", { skip }, () => {
  test(`${CONNECTIONS} connections one after another, half closed by the peer first: every report graceful, nothing left`, async (t) => {
    const { elf } = await buildFirmware("lm3s6965evb");
    t.diagnostic(`${CONNECTIONS} connections in ${await manyConnections("lm3s6965evb", elf, CONNECTIONS)} ms`);
  });

  test(`${FRAMES} hostile frames: it answers pings, serves its page and echoes afterwards (seed ${SEED})`, async (t) => {
    const { elf } = await buildFirmware("mps2_an385");
    const { received, ms } = await manyHostileFrames("mps2_an385", elf, FRAMES, SEED);
    t.diagnostic(`${FRAMES} frames, of which the board's controller let ${received} pass, pings among them, in ${ms} ms`);
    assert.ok(received > FRAMES / 2, `only ${received} frames reached the core`);
  });
});
