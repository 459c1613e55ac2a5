#!/usr/bin/env node
// npm run losstable: measures throughput by loss and delay in virtual time; writes docs/loss-table.md and its snapshot.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { register } from "tsx/esm/api";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

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
