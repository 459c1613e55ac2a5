#!/usr/bin/env node
// npm run profile: which functions a piece of work spends its time in, as a table and as a flame graph.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const WASM = join(ROOT, "build", ".named", "lastack.simd.wasm");

const BUNDLE = join(ROOT, "build", ".bench", "profile.mjs");

/** What is profiled is bundled as users' programs are: other ways to run TypeScript put functions of their own into it. */
await build({
  absWorkingDir: ROOT, entryPoints: ["bench/profile.ts"], outfile: BUNDLE, bundle: true, platform: "node", target: "node20", format: "esm", external: ["koffi"], logLevel: "error",
});
const { flameGraph, profile, table, WORKS } = await import(pathToFileURL(BUNDLE).href);

const HELP = `usage: npm run profile -- [work] [options]

Runs a work of the benchmark under V8's sampling profiler, with a core whose functions have names (lastack.simd.wasm built anew with
them), and prints the functions by their own time. How sampling goes depends on the machine and what else it does; npm run icount -- --functions counts
instructions instead.

work           one of ${Object.keys(WORKS).join(", ")} (default: bulk)
options
  --ms N       milliseconds to sample, 100 to 60000 (default: 4000)
  --rows N     lines of the table (default: 25)
  --svg FILE   the flame graph (default: build/profile.svg)
  --help       this text
`;

function integer(name, text, fallback, least, most) {
  if (text === undefined) return fallback;
  if (!/^\d{1,6}$/.test(text) || Number(text) < least || Number(text) > most) throw new Error(`--${name} is "${text}"; expected an integer from ${least} to ${most}`);
  return Number(text);
}

async function main(args) {
  const options = { ms: { type: "string" }, rows: { type: "string" }, svg: { type: "string" }, help: { type: "boolean" } };
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) return void process.stdout.write(HELP);
  const work = positionals[0] ?? "bulk";
  if (!Object.hasOwn(WORKS, work) || positionals.length > 1) throw new Error(`work is "${positionals.join(" ")}"; expected one of ${Object.keys(WORKS).join(", ")}`);
  const ms = integer("ms", values.ms, 4000, 100, 60_000);
  const rows = integer("rows", values.rows, 25, 1, 1000);
  if (spawnSync(process.execPath, [join(ROOT, "tools", "build.mjs"), "--quiet", "named"], { stdio: "inherit" }).status !== 0) return 1;
  const root = await profile(WASM, work, ms);
  const found = table(root);
  const core = found.filter(({ where }) => where === "core").reduce((sum, { share }) => sum + share, 0);
  const percent = (share) => `${(share * 100).toFixed(1)} %`.padStart(7);
  for (const { name, where, share } of found.slice(0, rows)) console.log(`${percent(share)}  ${where}  ${name}`);
  console.log(`${percent(found.slice(rows).reduce((sum, { share }) => sum + share, 0))}        ${Math.max(0, found.length - rows)} others`);
  console.log(`${percent(core)} of it in the core`);
  const svg = values.svg ?? join(ROOT, "build", "profile.svg");
  writeFileSync(svg, flameGraph(root, `Lastack: ${work}, ${ms} ms, Node ${process.version}`));
  console.log(`written: ${svg}`);
  return 0;
}

try {
  process.exitCode = (await main(process.argv.slice(2))) ?? 0;
} catch (error) {
  console.error(`profile: ${error.message}`);
  process.exitCode = 1;
}
