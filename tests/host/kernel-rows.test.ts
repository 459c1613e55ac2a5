/**
 * Rows whose rule the kernel's TCP shares (chapter P), and the six steps in both roles, with the kernel at the other end of a TAP
 * device; expected values from tests/semantics/rows.tsv. As root on Linux with koffi; else listed as skipped.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { whyNoTap } from "./support/tap-there.ts";

const PROGRAM = fileURLToPath(new URL("kernel-rows-program.ts", import.meta.url));
const TIMEOUT_MS = 60_000;
const ROWS = ["P-07", "P-08", "P-12", "P-13", "P-14", "P-15", "P-18", "P-19", "P-20", "P-21", "S-42", "T-09", "T-12"];

test("rows that the kernel's TCP shares hold against it", { skip: whyNoTap() }, () => {
  const args = ["-n", process.execPath, "--import", "tsx", PROGRAM];
  const { status, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: TIMEOUT_MS, killSignal: "SIGKILL" });
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.trim().split("\n"), ROWS.map((id) => `${id} pass`));
});
