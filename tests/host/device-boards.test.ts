/** The example firmware on every board that QEMU has of ours. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BOARDS, buildFirmware, missingTools } from "../device/board.ts";
import { echo, page, trial, withBoard } from "../device/trial.ts";

const missing = missingTools();
const skip = missing.length > 0 && `not installed: ${missing.join(", ")}`;
/** Flash and RAM of the controllers, bytes; the others have megabytes. */
const LIMITS: Readonly<Record<string, { flash: number; ram: number }>> = { lm3s6965evb: { flash: 64 << 10, ram: 64 << 10 }, mps2_an385: { flash: 64 << 10, ram: 4 << 20 } };

describe("boards", { skip }, () => {
  for (const name of BOARDS) {
    test(`${name} boots, answers ARP, echoes, serves its page and goes through the six steps in both roles`, async (t) => {
      const figures = await trial(name);
      t.diagnostic(JSON.stringify(figures));
      assert.match(figures.sixStepsAsServer, /graceful, sent 17, acknowledged 17, peer FIN 1/);
      assert.match(figures.sixStepsAsClient, /graceful, sent 19, acknowledged 19, peer FIN 1/);
      assert.ok(figures.stackPeakBytes > 100 && figures.stackPeakBytes <= 1024, `stack: ${figures.stackPeakBytes} bytes`);
      assert.ok(figures.instructionsPerSegment > 500 && figures.instructionsPerSegment < 40_000, `${figures.instructionsPerSegment} instructions per segment`);
      const limit = LIMITS[name];
      if (limit) assert.ok(figures.flashBytes <= limit.flash && figures.ramBytes <= limit.ram, `flash ${figures.flashBytes}, RAM ${figures.ramBytes}`);
    });
  }

  test("no access of the core is misaligned: a build that traps on one runs the same", async () => {
    const { elf } = await buildFirmware("mps2_an385", { EXTRA: "-DLASTACK_STRICT_ALIGNMENT", VARIANT: "-strict" });
    await withBoard("mps2_an385", elf, {}, async (board, stack) => {
      await echo(stack, 20_000);
      assert.match(await page(stack), /^HTTP\/1\.0 200 OK/);
      assert.doesNotMatch(board.serial, /TRAP/);
    });
  });

  test("a fault inside the core ends the stack and not the device: after a trap its services are there again", async () => {
    const { elf } = await buildFirmware("lm3s6965evb", { TEST: "1" });
    await withBoard("lm3s6965evb", elf, {}, async (board, stack) => {
      await echo(stack, 1000);
      await board.command("start", /^= /m);
      // Inside the page that the core was compiled for, outside the memory that the board gives it.
      await board.command("call WSPSocket 2 1 6 0 0 0 e000", /^TRAP 1$/m);
      await board.command("resume", /^READY lm3s6965evb$/m);
      await echo(stack, 1000);
    });
  });
});
