/** Ten thousand connections and a hundred thousand hostile frames on a board. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Board, buildFirmware, missingTools } from "../device/board.ts";
import { hostile, openAndClose } from "../device/endurance.ts";
import { echo, openStack, page, withBoard } from "../device/trial.ts";

const missing = missingTools();
const skip = missing.length > 0 && `not installed: ${missing.join(", ")}`;
const CONNECTIONS = 10_000;
const FRAMES = 100_000;
const SEED = 90_210;

describe("a board under load", { skip }, () => {
  test(`${CONNECTIONS} connections one after another, half closed by the peer first: every report graceful, nothing left`, async (t) => {
    const { elf } = await buildFirmware("mps2_an385");
    const started = performance.now();
    await withBoard("mps2_an385", elf, {}, (board, stack) => openAndClose(stack, board, CONNECTIONS));
    t.diagnostic(`${CONNECTIONS} connections in ${Math.round(performance.now() - started)} ms`);
  });

  test(`${FRAMES} hostile frames: it answers pings, serves its page and echoes afterwards (seed ${SEED})`, async (t) => {
    const { elf } = await buildFirmware("mps2_an385");
    const board = await Board.boot("mps2_an385", elf);
    try {
      const corpus: Uint8Array[] = [];
      const first = await openStack(board, (frame) => corpus.push(frame.slice()));
      await echo(first, 3000);
      await page(first);
      await first.close();
      // What goes to the board: its controller takes nothing else.
      const seen = corpus.filter((frame) => (frame[0] as number) & 1 || frame[5] === 0x77);
      const started = performance.now();
      const received = await hostile(board, seen, FRAMES, SEED);
      t.diagnostic(`${FRAMES} frames, of which the board's controller let ${received} pass, pings among them, in ${Math.round(performance.now() - started)} ms`);
      assert.ok(received > FRAMES / 2, `only ${received} frames reached the core`);
      const second = await openStack(board);
      await echo(second, 3000);
      assert.match(await page(second), /^HTTP\/1\.0 200 OK/);
      await second.close();
    } finally {
      await board.stop();
    }
  });
});
