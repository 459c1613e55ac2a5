/** The example firmware on every board that QEMU has of ours. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { BOARDS, buildFirmware, missingTools } from "../device/board.ts";
import { callGraph, firmwareStack, stackBound } from "../device/stack-bound.ts";
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
      assert.ok(figures.stackPeakBytes > 100 && figures.stackPeakBytes <= figures.stackBoundBytes, `stack: ${figures.stackPeakBytes} bytes, at most ${figures.stackBoundBytes}`);
      assert.ok(figures.stackBoundBytes <= 1024, `stack: up to ${figures.stackBoundBytes} bytes`);
      assert.ok(figures.instructionsPerSegment > 500 && figures.instructionsPerSegment < 40_000, `${figures.instructionsPerSegment} instructions per segment`);
      const limit = LIMITS[name];
      if (limit) assert.ok(figures.flashBytes <= limit.flash && figures.ramBytes <= limit.ram, `flash ${figures.flashBytes}, RAM ${figures.ramBytes}`);
    });
  }

  test("nothing recurses, nothing allocates, nothing divides 64 bits: the call graph has an end, and little is called outside it", async (t) => {
    const { objects } = await buildFirmware("lm3s6965evb");
    // A function that calls itself, by whatever way round, has no bound: firmwareStack throws.
    const { firmware, poll, outside } = firmwareStack(objects);
    t.diagnostic(`stack: ${firmware.bytes} bytes at most, ${poll.bytes} of them below lastack_poll: ${poll.way.join(", ")}`);
    assert.deepEqual(outside, ["longjmp", "memcpy", "memmove", "memset", "setjmp", "strcmp", "strncmp"]);
    const core = callGraph([join(objects, "core.ci")]).outside.filter((name) => !name.startsWith("w2c_wasi__snapshot__preview1_"));
    assert.deepEqual(core, ["memmove", "memset", "wasm_rt_trap", "wasm_rt_trap_oob"]);
  });

  test("a call graph that recurses, or whose frames vary, has no bound", (t) => {
    const directory = mkdtempSync(join(tmpdir(), "lastack-graph-"));
    t.after(() => rmSync(directory, { recursive: true }));
    const graphOf = (lines: string[]): string => {
      writeFileSync(join(directory, "x.ci"), lines.join("\n"));
      return join(directory, "x.ci");
    };
    const node = (name: string, frame: string): string => `node: { title: "${name}" label: "${name}\\nx.c:1:1\\n${frame}" }`;
    const edge = (from: string, to: string): string => `edge: { sourcename: "${from}" targetname: "${to}" label: "x.c:2:1" }`;
    const nodes = [node("a", "8 bytes (static)"), node("x.c:b", "16 bytes (static)"), node("c", "4 bytes (static)"), `node: { title: "memcpy" label: "memcpy\\n<built-in>" shape : ellipse }`];
    const straight = callGraph([graphOf([...nodes, edge("a", "x.c:b"), edge("a", "c"), edge("x.c:b", "memcpy")])]);
    assert.deepEqual(stackBound(straight, "a", [], 100), { bytes: 124, way: ["a", "b", "memcpy"] });
    assert.deepEqual(straight.outside, ["memcpy"]);
    const round = callGraph([graphOf([...nodes, edge("a", "x.c:b"), edge("x.c:b", "__indirect_call"), `node: { title: "__indirect_call" label: "Indirect Call Placeholder" shape : ellipse }`])]);
    assert.throws(() => stackBound(round, "a", ["c", "a"]), /recursion: a calls b calls __indirect_call calls a/);
    assert.throws(() => callGraph([graphOf([node("a", "8 bytes (dynamic)")])]), /its stack frame is dynamic/);
  });

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
