#!/usr/bin/env node
// npm run bench: builds what is measured, bundles bench/main.ts as users' programs are bundled, and runs it.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const BUNDLE = join(ROOT, "build", ".bench", "bench.mjs");

async function bundle() {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: ROOT,
    entryPoints: [{ in: "bench/main.ts", out: "bench" }, { in: "bench/kernel-program.ts", out: "kernel" }],
    outdir: dirname(BUNDLE),
    outExtension: { ".js": ".mjs" },
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

/** Builds bench/bound, the limit that shares are shares of, unless it is there and newer than what it is made from. */
function boundReady() {
  const inputs = ["bench/bound/bound.ts", "bench/bound/asconfig.json", "assembly/base/checksum.ts"].map((name) => statSync(join(ROOT, name)).mtimeMs);
  const output = join(ROOT, "build", ".bench", "bound.wasm");
  if (existsSync(output) && statSync(output).mtimeMs > Math.max(...inputs)) return true;
  const asc = join(ROOT, "node_modules", "assemblyscript", "bin", "asc.js");
  return spawnSync(process.execPath, [asc, "--config", "bench/bound/asconfig.json", "--target", "simd"], { cwd: ROOT, stdio: "inherit" }).status === 0;
}

/** Builds the threads' program, what is weighed and the default subject of the measurement; one that is named is there already. */
function subjectReady(args) {
  const named = args.some((arg) => arg === "--wasm" || arg.startsWith("--wasm="));
  return spawnSync(process.execPath, [join(ROOT, "tools", "build.mjs"), "--quiet", "worker", "lastack", "tiny", ...(named ? [] : ["simd"])], { stdio: "inherit" }).status === 0;
}

const args = process.argv.slice(2);
try {
  if (!subjectReady(args) || !boundReady()) process.exitCode = 1;
  else {
    await bundle();
    process.exitCode = await run(args);
  }
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
