#!/usr/bin/env node
// npm run bench: builds what is measured, bundles bench/main.ts as users' programs are bundled, and runs it.
import { spawn, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const BUNDLE = join(ROOT, "build", ".bench", "bench.mjs");

async function bundle() {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: ROOT,
    entryPoints: ["bench/main.ts"],
    outfile: BUNDLE,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    external: ["koffi"],
    logLevel: "error",
  });
}

function run(args) {
  const child = spawn(process.execPath, [BUNDLE, ...args], { cwd: ROOT, stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/** Builds the default subject of the measurement; one that is named is there already. */
function subjectReady(args) {
  if (args.some((arg) => arg === "--wasm" || arg.startsWith("--wasm="))) return true;
  return spawnSync(process.execPath, [join(ROOT, "tools", "build.mjs"), "--quiet", "simd"], { stdio: "inherit" }).status === 0;
}

const args = process.argv.slice(2);
try {
  if (!subjectReady(args)) process.exitCode = 1;
  else {
    await bundle();
    process.exitCode = await run(args);
  }
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
