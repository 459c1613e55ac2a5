/**
 * Rows whose rule the kernel's TCP shares (chapter P), and the six steps in both roles, with the kernel at the other end of a TAP
 * device; expected values from tests/semantics/rows.tsv. As root on Linux with koffi; else listed as skipped.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadKoffi } from "../../host/sockets/koffi.ts";

const PROGRAM = fileURLToPath(new URL("kernel-rows-program.ts", import.meta.url));
const TIMEOUT_MS = 60_000;
const ROWS = ["P-07", "P-08", "P-12", "P-13", "P-14", "P-15", "P-18", "P-19", "P-20", "P-21", "S-42", "T-09", "T-12"];

function whyNot(): string | false {
  if (process.platform !== "linux") return "TAP devices need Linux";
  if (process.getuid?.() !== 0) return "making a network namespace needs root";
  if (!loadKoffi()) return "the optional package koffi is not installed";
  return spawnSync("unshare", ["-n", "ip", "tuntap", "add", "dev", "lastack0", "mode", "tap"]).status === 0 ? false : "no TAP in a namespace of its own here";
}

test("rows that the kernel's TCP shares hold against it", { skip: whyNot() }, () => {
  const args = ["-n", process.execPath, "--import", "tsx", PROGRAM];
  const { status, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: TIMEOUT_MS, killSignal: "SIGKILL" });
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.trim().split("\n"), ROWS.map((id) => `${id} pass`));
});
