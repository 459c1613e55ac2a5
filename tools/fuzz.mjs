#!/usr/bin/env node
// npm run fuzz: brings the build up to date and throws frames at it.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { register } from "tsx/esm/api";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

register();
const { main } = await import("../tests/fuzz/cli.ts");

const args = process.argv.slice(2);
const needsCore = !args.includes("--help") && !args.some((a) => a === "--wasm" || a.startsWith("--wasm="));
const build = needsCore ? spawnSync(process.execPath, [join(ROOT, "tools", "build.mjs"), "--quiet", args.includes("--debug") ? "debug" : "lastack"], { stdio: "inherit" }) : { status: 0 };
process.exitCode = build.status === 0 ? await main(args, join(ROOT, "build"), (text) => void process.stdout.write(`${text}\n`)) : 1;
