#!/usr/bin/env node
// npm run device -- BOARD [--json]: builds the example firmware, boots it in QEMU, talks to it, and prints what it needs.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const HELP = `usage: npm run device -- BOARD [--json]
       npm run device -- BOARD --rows [--all] [ROW ...]

Builds the example firmware for BOARD, boots it in QEMU, runs the six steps in both roles and the echo, and prints flash, RAM,
peak stack, instructions per segment and the time from boot to the first ARP reply. With --rows, runs the rows of the Winsock
contract (tests/semantics) with one side on the board, through its serial port: these, or all that a board has room for, or --all. Needs arm-none-eabi-gcc and qemu-system-arm.
`;

async function runRows(board, only, all) {
  const { runRows: run } = await import("../tests/device/rows.ts");
  const { passed, failed, left, commands, seconds } = await run(board, { all: all || only.length > 0, ...(only.length && { only: new RegExp(`^(${only.join("|")})`) }) });
  for (const [id, why] of left) console.log(`left ${id}: ${why}`);
  for (const failure of failed) console.log(`fail ${failure}`);
  console.log(`${board}: ${passed.length} rows pass, ${failed.length} fail, ${left.length} are left out; ${commands} commands in ${seconds} s`);
  if (failed.length) process.exitCode = 1;
}

async function main(args) {
  const { register } = await import("tsx/esm/api");
  register();
  const { BOARDS, missingTools } = await import("../tests/device/board.ts");
  const { trial } = await import("../tests/device/trial.ts");
  const options = ["--json", "--rows", "--all", "--help"];
  const [json, rows, all, help] = options.map((option) => args.includes(option));
  if (help) return void process.stdout.write(HELP);
  const unknown = args.find((a) => a.startsWith("-") && !options.includes(a));
  if (unknown) throw new Error(`unknown option ${unknown}; see --help`);
  const [board, ...only] = args.filter((a) => !a.startsWith("-"));
  if (!BOARDS.includes(board) || (only.length && !rows)) throw new Error(`BOARD is "${[board, ...only].join(" ")}"; expected one of ${BOARDS.join(", ")}`);
  const missing = missingTools();
  if (missing.length) throw new Error(`not installed: ${missing.join(", ")}`);
  const built = spawnSync(process.execPath, [join(ROOT, "tools", "build.mjs"), "--quiet", "tiny", "lastack"], { stdio: "inherit" });
  if (built.status !== 0) throw new Error("lastack.tiny.wasm does not build");
  if (rows) return runRows(board, only, all);
  const figures = await trial(board);
  if (json) console.log(JSON.stringify(figures, null, 2));
  else for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(24)} ${value}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`device: ${error.message}`);
  process.exitCode = 1;
}
