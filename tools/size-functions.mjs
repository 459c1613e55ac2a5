// What the functions and rooms of a build weigh, from a build that has their names.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { register } from "tsx/esm/api";

const NAMED = "build/.named/lastack.simd.wasm";
const OUTSIDE = "outside assembly/";

/** assembly/tcp/receive/takeInOrder → tcp; what AssemblyScript brings along is no room. */
function roomOf(name) {
  const parts = name.split("/");
  return parts[0] === "assembly" && parts.length > 2 ? parts[1] : OUTSIDE;
}

function lines(entries, total) {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, bytes]) => `${name.padEnd(width)}  ${String(bytes).padStart(7)}  ${((bytes / total) * 100).toFixed(1).padStart(5)} %`).join("\n");
}

/** Prints code bytes by room and, with `count`, of the largest functions. Returns false when there is no such build. */
export async function printFunctions(root, count) {
  if (spawnSync(process.execPath, [join(root, "tools", "build.mjs"), "--quiet", "named"], { stdio: "inherit" }).status !== 0) return false;
  register();
  const { functionNames, functionSizes } = await import("../bench/instrument.ts");
  const bytes = new Uint8Array(readFileSync(join(root, NAMED)));
  const names = functionNames(bytes);
  const entries = functionSizes(bytes).map((size, i) => [names[i], size]).sort((a, b) => b[1] - a[1]);
  const total = entries.reduce((sum, [, size]) => sum + size, 0);
  const rooms = new Map();
  for (const [name, size] of entries) rooms.set(roomOf(name), (rooms.get(roomOf(name)) ?? 0) + size);
  console.log(`\ncode by room, lastack.simd.wasm; what was inlined counts where it went\n${lines([...rooms].sort((a, b) => b[1] - a[1]), total)}\n${entries.length} functions, ${total} bytes`);
  if (count > 0) console.log(`\nlargest functions\n${lines(entries.slice(0, count), total)}`);
  return true;
}
