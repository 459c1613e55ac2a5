#!/usr/bin/env node
// npm run icount: WebAssembly instructions per segment, round trip and connection, against the limits in bench/instructions.json.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { register } from "tsx/esm/api";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const LIMITS = join(ROOT, "bench", "instructions.json");
const BUILDS = { lastack: "lastack.wasm", simd: "lastack.simd.wasm" };
const SHOWN = 25;

const HELP = `usage: npm run icount -- [options]

Counts the WebAssembly instructions that both ends' cores execute for a segment of a bulk transfer, a round trip of one byte each
way, and a connection opened and closed: on a memory link of MTU 1500, in virtual time, the same on every machine. Fails when
one is more than the tolerance above its limit in bench/instructions.json.

  --write        make what was counted the limits
  --functions    the functions that a segment, a round trip and a connection spend them in
  --json         the counts as JSON
  --help         this text
`;

const KNOWN = ["--write", "--functions", "--json", "--help"];

function build(...targets) {
  return spawnSync(process.execPath, [join(ROOT, "tools", "build.mjs"), "--quiet", ...targets], { stdio: "inherit" }).status === 0;
}

function columns(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))).join("  ")).join("\n");
}

const number = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 1 });

async function functions({ countInstructions, KINDS }) {
  if (!build("named")) return 1;
  const { costs, functions: found } = await countInstructions(join(ROOT, "build", ".named", "lastack.simd.wasm"));
  for (const kind of KINDS) {
    const rows = [...found].sort((a, b) => b.cost[kind] - a.cost[kind]).slice(0, SHOWN);
    const share = (value) => `${((value / costs[kind].instructions) * 100).toFixed(1)} %`;
    console.log(columns([[`${kind}, SIMD, with names`, "instructions", "share"], ...rows.map(({ name, cost }) => [name, number(cost[kind]), share(cost[kind])])]), "\n");
  }
  return 0;
}

async function main(args) {
  const unknown = args.find((arg) => !KNOWN.includes(arg));
  if (unknown) throw new Error(`unknown option ${unknown}; expected ${KNOWN.join(", ")}`);
  if (args.includes("--help")) return void process.stdout.write(HELP);
  register();
  const counting = await import("../bench/instructions.ts");
  if (args.includes("--functions")) return functions(counting);
  if (!build(...Object.keys(BUILDS))) return 1;
  const counted = {};
  for (const [name, file] of Object.entries(BUILDS)) counted[name] = (await counting.countInstructions(join(ROOT, "build", file))).costs;
  if (args.includes("--json")) console.log(JSON.stringify(counted, null, 2));
  if (args.includes("--write")) {
    writeFileSync(LIMITS, `${JSON.stringify(counting.limitsOf(counted), null, 2)}\n`);
    console.log("written: bench/instructions.json");
    return 0;
  }
  const compared = counting.compare(counted, JSON.parse(readFileSync(LIMITS, "utf8")));
  const verdict = ({ count, limit, over }) => (over ? "TOO MANY" : count < limit ? `${(((limit - count) / limit) * 100).toFixed(1)} % fewer` : "");
  if (!args.includes("--json")) {
    console.log(columns([["build, work", "instructions", "limit", "bytes moved", ""], ...compared.map((row) => [`${row.build} ${row.kind}`, number(row.count), number(row.limit), number(row.moved), verdict(row)])]));
  }
  return compared.some(({ over }) => over) ? 1 : 0;
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ?? 0;
} catch (error) {
  console.error(`icount: ${error.message}`);
  process.exitCode = 1;
}
