#!/usr/bin/env node
// npm run packetdrill: brings build/lastack.wasm up to date and runs packetdrill scripts against it.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { register } from "tsx/esm/api";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(process.exitCode ?? 0);
});

register();
const { main } = await import("../tests/packetdrill/runner/cli.ts");

const args = process.argv.slice(2);
const needsCore = !args.includes("--help") && !args.some((a) => a === "--wasm" || a.startsWith("--wasm="));
const build = needsCore ? spawnSync(process.execPath, [join(ROOT, "tools", "build.mjs"), "--quiet", "lastack"], { stdio: "inherit" }) : { status: 0 };
if (build.status !== 0) process.exitCode = 1;
else {
  process.exitCode = await main(args, join(ROOT, "build", "lastack.wasm"), {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
  });
}
