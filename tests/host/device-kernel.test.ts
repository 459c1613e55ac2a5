/** A board, the Linux kernel over a TAP device and a stack in Node on one switch. As root on Linux with the tools; else skipped. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildFirmware, missingTools } from "../device/board.ts";
import { whyNoTap } from "./support/tap-there.ts";

const PROGRAM = fileURLToPath(new URL("device-kernel-program.ts", import.meta.url));

const missing = missingTools();
test("lm3s6965evb and the kernel: ping, echo, page, the six steps in both roles, a reset; a stack of ours on the same switch", { skip: missing.length > 0 ? `not installed: ${missing.join(", ")}` : whyNoTap("ip", "ping") }, async (t) => {
  const { elf } = await buildFirmware("lm3s6965evb");
  const run = spawnSync("unshare", ["-n", process.execPath, "--import", "tsx", PROGRAM, "lm3s6965evb", elf], { encoding: "utf8", timeout: 120_000, killSignal: "SIGKILL" });
  assert.equal(run.status, 0, `${run.signal ?? run.status}: ${run.stderr}${run.stdout}`);
  t.diagnostic(run.stdout.trim().replaceAll("\n", "; "));
  assert.match(run.stdout, /^3 packets transmitted, 3 received$/m);
  // The echo, the six steps in both roles, page and reset; then two echoes and a page.
  assert.match(run.stdout, /^orphans 0, graceful 7, otherwise 1$/m);
  assert.match(run.stdout, /^device-kernel ok$/m);
});
