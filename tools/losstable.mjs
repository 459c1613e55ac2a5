#!/usr/bin/env node
// npm run losstable: measures throughput by loss and delay in virtual time; writes docs/loss-table.md and its snapshot.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { register } from "tsx/esm/api";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

const HELP = `usage: npm run losstable

Measures throughput by loss and delay in virtual time, with build/lastack.wasm; writes docs/loss-table.md and
tests/sim/loss-table.json, and prints the table. Takes no arguments.
`;
const [argument] = process.argv.slice(2);
if (argument !== undefined) {
  (argument === "--help" ? process.stdout : process.stderr).write(argument === "--help" ? HELP : `losstable: argument is "${argument}"; expected none\n`);
  process.exit(argument === "--help" ? 0 : 2);
}

register();
const { lossTable, renderLossTable } = await import("../tests/sim/loss-table.ts");
const { compileCore } = await import("../host/core/index.ts");

const build = spawnSync(process.execPath, [join(ROOT, "tools", "build.mjs"), "--quiet", "lastack"], { stdio: "inherit" });
if (build.status !== 0) process.exitCode = 1;
else {
  const cells = lossTable(await compileCore(readFileSync(join(ROOT, "build", "lastack.wasm"))));
  const text = renderLossTable(cells);
  writeFileSync(join(ROOT, "docs", "loss-table.md"), text);
  writeFileSync(join(ROOT, "tests", "sim", "loss-table.json"), `${JSON.stringify(cells, null, 1)}\n`);
  process.stdout.write(text);
}
