#!/usr/bin/env node
// npm run size: what every build weighs, as a table and as build/size.json; fails if one weighs more than tools/size-limits.json allows
// or the tiny build breaks its promise.
// With --rooms also the code by room, with --functions [N] the N (40) largest functions too.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { printFunctions } from "./size-functions.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const BUILD = join(ROOT, "build");
const ARTEFACTS = ["lastack.wasm", "lastack.simd.wasm", "lastack.tiny.wasm", "lastack.debug.wasm", "lastack.mjs", "worker.mjs", "cli.mjs"];
const FUNCTIONS = 40;
const TINY = "lastack.tiny.wasm";
const TINY_IMPORTS = ["clock_time_get", "fd_read", "fd_write", "random_get"];
const PREVIEW1 = "wasi_snapshot_preview1";
const MEMORY_SECTION = 5;
const LIMITS = JSON.parse(readFileSync(join(ROOT, "tools", "size-limits.json"), "utf8"));
const STAT_MEMORY_BYTES = 47;

/** Reads an unsigned LEB128 number; returns [value, next offset]. */
function leb(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}

/** The limits of a module's own memory in pages: { initial, maximum } (maximum undefined if it has none). */
function memoryLimits(bytes) {
  let at = 8;
  while (at < bytes.length) {
    const id = bytes[at];
    const [size, body] = leb(bytes, at + 1);
    if (id === MEMORY_SECTION) {
      const [, flagsAt] = leb(bytes, body);
      const [initial, next] = leb(bytes, flagsAt + 1);
      return { initial, maximum: bytes[flagsAt] & 1 ? leb(bytes, next)[0] : undefined };
    }
    at = body + size;
  }
  return undefined;
}

function measure(name) {
  const bytes = readFileSync(join(BUILD, name));
  const entry = { name, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
  if (!name.endsWith(".wasm")) return entry;
  const module = new WebAssembly.Module(bytes);
  return {
    ...entry,
    imports: WebAssembly.Module.imports(module).map((i) => (i.module === PREVIEW1 ? i.name : `${i.module}.${i.name}`)).sort(),
    exports: WebAssembly.Module.exports(module).length,
    memoryPages: memoryLimits(bytes),
  };
}

/** Bytes of linear memory that a configured tiny stack uses: static data, tables, all of its buffers. */
function tinyMemory() {
  const module = new WebAssembly.Module(readFileSync(join(BUILD, TINY)));
  const none = () => 0;
  const { exports } = new WebAssembly.Instance(module, { [PREVIEW1]: Object.fromEntries(TINY_IMPORTS.map((name) => [name, none])) });
  exports._initialize?.();
  if (exports.configure(0, 0) !== 0) throw new Error(`${TINY} cannot be configured: its tables and buffers do not fit into its page`);
  return new DataView(exports.memory.buffer).getUint32(exports.stats() + 4 * STAT_MEMORY_BYTES, true);
}

/** What weighs more than it may, in words. */
function tooMuch(sizes, memory) {
  const over = [];
  for (const { name, raw, gzip } of sizes) {
    const limit = LIMITS[name];
    if (limit && raw > limit.raw) over.push(`${name} has ${raw} bytes; at most ${limit.raw} expected (tools/size-limits.json)`);
    if (limit && gzip > limit.gzip) over.push(`${name} has ${gzip} bytes compressed; at most ${limit.gzip} expected (tools/size-limits.json)`);
  }
  if (memory > LIMITS[TINY].memory) over.push(`${TINY} uses ${memory} bytes of memory; at most ${LIMITS[TINY].memory} expected (tools/size-limits.json)`);
  return over;
}

/** What the tiny build promises and does not keep, in words. */
function brokenPromises(tiny) {
  const broken = [];
  if (tiny.imports.join() !== TINY_IMPORTS.join()) {
    broken.push(`${tiny.name} imports ${tiny.imports.join(", ") || "nothing"}; expected exactly ${TINY_IMPORTS.join(", ")}`);
  }
  if (tiny.memoryPages?.maximum !== 1) {
    broken.push(`${tiny.name} may grow to ${tiny.memoryPages?.maximum ?? "any number of"} pages; expected 1`);
  }
  return broken;
}

function table(sizes) {
  const pages = (m) => (m ? `${m.initial}${m.maximum === m.initial ? "" : `..${m.maximum ?? ""}`}` : "");
  const rows = sizes.map((s) => [s.name, String(s.raw), String(s.gzip), s.imports ? String(s.imports.length) : "", s.exports ? String(s.exports) : "", pages(s.memoryPages)]);
  const head = ["build", "raw", "gzip", "imports", "exports", "pages"];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  return [head, ...rows].map((row) => row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join("  ")).join("\n");
}

/** How many functions are asked for: undefined for none, 0 for rooms only. */
function functionsAsked([option, count, ...more]) {
  if (option === undefined) return undefined;
  const known = more.length === 0 && ((option === "--rooms" && count === undefined) || (option === "--functions" && /^\d{1,4}$/.test(count ?? "0")));
  if (!known) throw new Error(`arguments are "${process.argv.slice(2).join(" ")}"; expected nothing, --rooms or --functions [N]`);
  return option === "--rooms" ? 0 : Number(count ?? FUNCTIONS);
}

const HELP = `usage: npm run size [-- --rooms | --functions [N]]

Builds, prints raw and gzip sizes, imports and memory of every module and bundle, writes build/size.json, and fails where one is larger
than tools/size-limits.json allows or the tiny build has other than four imports or more than one page.

  --rooms          where the code of a full build is, by room
  --functions [N]  the same, and the N largest functions (default ${FUNCTIONS})
`;
if (process.argv.includes("--help")) {
  process.stdout.write(HELP);
  process.exit(0);
}

let asked;
try {
  asked = functionsAsked(process.argv.slice(2));
} catch (error) {
  console.error(`size: ${error.message}`);
  process.exit(2);
}
const build = spawnSync(process.execPath, [join(ROOT, "tools", "build.mjs"), "--quiet", "wasm", "host"], { stdio: "inherit" });
const missing = ARTEFACTS.filter((name) => !existsSync(join(BUILD, name)));
if (build.status !== 0 || missing.length) {
  console.error(`size: not built: ${missing.join(", ") || "see above"}`);
  process.exitCode = 1;
} else {
  const sizes = ARTEFACTS.map(measure);
  console.log(table(sizes));
  const memory = tinyMemory(), tiny = sizes.find((s) => s.name === TINY);
  console.log(`linear memory of ${TINY}, eight sockets and their buffers: ${memory} bytes`);
  tiny.memoryBytes = memory;
  writeFileSync(join(BUILD, "size.json"), `${JSON.stringify(Object.fromEntries(sizes.map(({ name, ...rest }) => [name, rest])), null, 2)}\n`);
  for (const complaint of [...brokenPromises(tiny), ...tooMuch(sizes, memory)]) {
    console.error(`size: ${complaint}`);
    process.exitCode = 1;
  }
  if (asked !== undefined && !(await printFunctions(ROOT, asked))) process.exitCode = 1;
}
