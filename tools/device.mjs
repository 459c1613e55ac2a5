#!/usr/bin/env node
// npm run device -- BOARD [--json]: builds the example firmware, boots it in QEMU, talks to it, and prints what it needs.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const HELP = `usage: npm run device -- BOARD [--fast] [--json]
       npm run device -- BOARD --endurance [--connections N] [--frames N] [--seed N]
       npm run device -- BOARD --rows [--all] [ROW ...]

Builds the example firmware for BOARD, boots it in QEMU, runs the six steps in both roles and the echo, and prints flash, RAM,
linear memory, peak stack and its bound, instructions per segment and the time from boot to the first ARP reply; --fast: of the
firmware that is optimised for speed (-O2) instead of size (-Os).
With --endurance, opens and closes 10000 connections one after another, half of them closed by the peer first, and sends 100000
hostile frames.
With --rows, runs the rows of the Winsock contract (tests/semantics) with one side on the board, through its serial port: these, or all
that a board has room for, or --all.
Needs arm-none-eabi-gcc, qemu-system-arm, make, setpriv and flock.
`;

async function runRows(board, only, all) {
  const { runRows: run } = await import("../tests/device/rows.ts");
  const { passed, failed, left, commands, seconds } = await run(board, { all: all || only.length > 0, ...(only.length && { only: new RegExp(`^(${only.join("|")})`) }) });
  for (const [id, why] of left) console.log(`left ${id}: ${why}`);
  for (const failure of failed) console.log(`fail ${failure}`);
  console.log(`${board}: ${passed.length} rows pass, ${failed.length} fail, ${left.length} are left out; ${commands} commands in ${seconds} s`);
  if (failed.length) process.exitCode = 1;
}

async function endurance(board, { connections = 10_000, frames = 100_000, seed = 90_210 }) {
  const { buildFirmware } = await import("../tests/device/board.ts");
  const { manyConnections, manyHostileFrames } = await import("../tests/device/endurance.ts");
  const { elf } = await buildFirmware(board);
  console.log(`${board}: ${connections} connections, every report graceful, nothing left, in ${await manyConnections(board, elf, connections)} ms`);
  const { received, ms } = await manyHostileFrames(board, elf, frames, seed);
  console.log(`${board}: ${frames} hostile frames (seed ${seed}), of which its controller let ${received} pass, pings among them, in ${ms} ms; it answers ping, echo and page`);
}

/** Takes "--name N" out of args; undefined if it is not there. */
function takeNumber(args, name, least) {
  const at = args.indexOf(`--${name}`);
  if (at < 0) return undefined;
  const [, text] = args.splice(at, 2), value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new Error(`--${name} is "${text ?? ""}"; expected an integer from ${least}`);
  return value;
}

async function main(args) {
  const { register } = await import("tsx/esm/api");
  register();
  const { BOARDS, missingTools } = await import("../tests/device/board.ts");
  const { trial } = await import("../tests/device/trial.ts");
  const options = ["--json", "--rows", "--all", "--help", "--endurance", "--fast"];
  const sizes = { connections: takeNumber(args, "connections", 2), frames: takeNumber(args, "frames", 1), seed: takeNumber(args, "seed", 0) };
  const [json, rows, all, help, enduring, fast] = options.map((option) => args.includes(option));
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
  if (enduring) return endurance(board, sizes);
  const figures = await trial(board, fast ? "fast" : "small");
  if (json) console.log(JSON.stringify(figures, null, 2));
  else for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(24)} ${value}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`device: ${error.message}`);
  process.exitCode = 1;
}
