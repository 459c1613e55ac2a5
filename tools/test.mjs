#!/usr/bin/env node
// npm test: builds, runs the as-pect specs and the host tests, and ends with one line that sums both.
import { readdirSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runSpecs } from "./as-pect.mjs";
import { stream } from "./stream.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const HOST_TESTS = join("tests", "host");
const TIMEOUT_MS = 1_200_000;
const TEST_TIMEOUT_MS = 300_000;

const HELP = `usage: npm test -- [--as | --host] [name]

Builds, runs tests/as/*.spec.ts with as-pect and tests/host/*.test.ts with node:test, prints "N passed, M failed".

  --as     only the as-pect specs
  --host   only the host tests
  name     only the files whose names contain it
`;

/** The figures of node:test's spec reporter. */
export function readFigures(text) {
  const figure = (name) => Number(new RegExp(`^\\S+ ${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  return { passed: figure("pass"), failed: figure("fail") + figure("cancelled"), skipped: figure("skipped") + figure("todo") };
}

async function runHost(filter) {
  const files = readdirSync(join(ROOT, HOST_TESTS), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".test.ts") && name.includes(filter))
    .sort()
    .map((name) => join(HOST_TESTS, name));
  if (files.length === 0) return filter ? { passed: 0, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0, problem: "no host tests" };
  const args = ["--import", "tsx", "--test", "--test-reporter=spec", `--test-timeout=${TEST_TIMEOUT_MS}`, ...files];
  const { text, code, problem } = await stream(process.execPath, args, { cwd: ROOT, env: process.env, timeoutMs: TIMEOUT_MS });
  const figures = readFigures(text);
  if (problem) return { ...figures, failed: figures.failed + 1, problem };
  if (code !== 0 && figures.failed === 0) return { ...figures, failed: 1, problem: `node --test exited with ${code}` };
  return figures;
}

async function main(args) {
  if (args.includes("--help")) {
    process.stdout.write(HELP);
    return 0;
  }
  const unknown = args.find((a) => a.startsWith("-") && a !== "--as" && a !== "--host");
  if (unknown) throw new Error(`unknown option ${unknown}; expected --as, --host, --help or a file name`);
  const filter = args.find((a) => !a.startsWith("-")) ?? "";
  const build = spawnSync(process.execPath, [join(ROOT, "tools", "build.mjs")], { stdio: "inherit" });
  if (build.status !== 0) {
    console.log("0 passed, 1 failed");
    return 1;
  }
  const results = [];
  if (!args.includes("--host")) results.push({ part: "as-pect", ...(await runSpecs(filter)) });
  if (!args.includes("--as")) results.push({ part: "host tests", ...(await runHost(filter)) });
  const sum = (key) => results.reduce((total, result) => total + (result[key] ?? 0), 0);
  for (const { part, problem } of results) if (problem) console.error(`${part}: ${problem}`);
  const skipped = sum("skipped");
  const failed = sum("passed") === 0 ? Math.max(1, sum("failed")) : sum("failed");
  console.log(`${sum("passed")} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`);
  return failed ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`test: ${error.message}`);
  process.exitCode = 1;
}
