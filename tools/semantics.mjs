#!/usr/bin/env node
// npm run semantics: builds the core where it is missing or older than its source, and runs tests/semantics/run.ts.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Newest modification time of the .ts files below a folder. */
function newest(folder) {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".ts"))
    .reduce((time, name) => Math.max(time, statSync(join(folder, name)).mtimeMs), 0);
}

function run(args) {
  return spawnSync(process.execPath, args, { cwd: ROOT, stdio: "inherit" }).status ?? 1;
}

function main(args) {
  const at = args.indexOf("--build");
  const build = at >= 0 ? (args[at + 1] ?? "") : "";
  const file = join(ROOT, "build", build ? `lastack.${build}.wasm` : "lastack.wasm");
  const stale = !existsSync(file) || statSync(file).mtimeMs < newest(join(ROOT, "assembly"));
  const asIs = args.includes("--no-build") || args.includes("--help");
  if (stale && !asIs && run([join("tools", "build.mjs"), build || "lastack"]) !== 0) return 1;
  const program = args.includes("--seeds") ? "seeds.ts" : "run.ts";
  return run(["--import", "tsx", join("tests", "semantics", program), ...args.filter((arg) => arg !== "--no-build")]);
}

process.exitCode = main(process.argv.slice(2));
