#!/usr/bin/env node
// npm run check:layers: the one-way order of the rooms, cycles, file and function length, paths of somebody's machine.
// `node tools/check-layers.mjs DIR` checks another tree of the same shape.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "..");
const LONGEST_FILE = 400;
const LONGEST_FUNCTION = 60;

/** Rooms of the core, bottom first: a room imports those before it. Rooms on one line do not see each other. */
const CORE_ORDER = [
  ["abi"], ["base"], ["memory"], ["wire"], ["wasi"], ["link"], ["ip"], ["tcp", "udp"],
  ["provider"], ["cotp"], ["winsock"], ["service"], ["stack"], ["index.ts"],
];

/** What each room of the host may import; `room/file.ts` allows that one file of a room. */
const HOST_RULES = {
  abi: [],
  base: ["abi"],
  core: ["abi", "base"],
  device: ["abi", "base"],
  sockets: ["abi", "base"],
  wasi: ["abi", "base", "core", "device/contract.ts", "sockets/contract.ts"],
  driver: ["abi", "base", "core", "wasi", "device/contract.ts"],
  api: ["abi", "base", "core", "wasi", "device", "sockets", "driver", "worker/worker.ts"],
  worker: ["abi", "base", "core", "device", "driver", "api/backend.ts", "api/calls.ts", "api/host.ts", "api/options.ts"],
  winsock: ["abi", "base", "core", "device", "driver", "api"],
  "index.ts": ["abi", "base", "core", "wasi", "device", "sockets", "driver", "api"],
  cli: ["index.ts", "api", "device", "base", "abi"],
};

const coreRules = () =>
  Object.fromEntries(CORE_ORDER.flatMap((rooms, i) => rooms.map((room) => [room, CORE_ORDER.slice(0, i).flat()])));

const problems = [];
const warnings = [];

function sources(top, pattern) {
  if (!existsSync(join(ROOT, top))) return [];
  return readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath ?? entry.path, entry.name)).split(sep).join("/"))
    .sort();
}

/** The relative imports of a file: { specifier, line, typeOnly }. */
function importsOf(text) {
  const found = [];
  const pattern = /\b(?:import|export)\b(\s+type\b)?[^"'`;]*?\bfrom\s*["'](\.[^"']+)["']|\bimport\s*\(?\s*["'](\.[^"']+)["']/g;
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, " "));
  for (const match of code.matchAll(pattern)) {
    found.push({
      specifier: match[2] ?? match[3],
      line: code.slice(0, match.index).split("\n").length,
      typeOnly: Boolean(match[1]),
    });
  }
  return found;
}

/** The file a relative import names, as a path from the root; undefined if there is none. */
function resolve(from, specifier) {
  const base = posix.join(posix.dirname(from), specifier);
  return [base, `${base}.ts`, `${base}/index.ts`].find((path) => /\.\w+$/.test(path) && existsSync(join(ROOT, path)));
}

/** Checks one tree against its rules; returns the graph of its run-time imports. */
function checkTree(top, rules, files) {
  const graph = new Map();
  for (const file of files) {
    const [, room] = file.split("/");
    if (!(room in rules)) problems.push(`${file}: ${room} is no room of ${top}/ (tools/check-layers.mjs lists them)`);
    const edges = [];
    for (const { specifier, line, typeOnly } of importsOf(readFileSync(join(ROOT, file), "utf8"))) {
      const target = resolve(file, specifier);
      if (!target) {
        problems.push(`${file}:${line}: ${specifier} does not exist`);
        continue;
      }
      if (!typeOnly) edges.push(target);
      const [targetTop, targetRoom, ...rest] = target.split("/");
      const allowed = rules[room] ?? [];
      const permitted = targetTop === top && (targetRoom === room || allowed.includes(targetRoom) || allowed.includes([targetRoom, ...rest].join("/")));
      if (!permitted) problems.push(`${file}:${line}: ${room} must not import ${target}; it may see ${allowed.join(", ") || "nothing"}`);
    }
    graph.set(file, edges);
  }
  return graph;
}

/** Reports each cycle of the graph once. */
function checkCycles(graph) {
  const done = new Set();
  const path = [];
  const visit = (file) => {
    const at = path.indexOf(file);
    if (at >= 0) problems.push(`cycle: ${[...path.slice(at), file].join(" -> ")}`);
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
}

function checkLength(files) {
  const list = join(ROOT, "tools", "long-files.json");
  const reasons = existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : {};
  for (const file of files) {
    const lines = readFileSync(join(ROOT, file), "utf8").trimEnd().split("\n");
    if (lines.length > LONGEST_FILE && !reasons[file]) {
      problems.push(`${file}: ${lines.length} lines, more than ${LONGEST_FILE}; split it, or give the reason in tools/long-files.json`);
    }
    for (const { name, line, length } of longFunctions(lines)) {
      warnings.push(`${file}:${line}: ${name} has ${length} lines, more than ${LONGEST_FUNCTION}`);
    }
  }
  for (const file of Object.keys(reasons)) {
    if (!existsSync(join(ROOT, file))) problems.push(`tools/long-files.json: ${file} does not exist`);
  }
}

/** Functions and methods longer than a screen, found by indentation: from the line that opens one to its brace. */
function longFunctions(lines) {
  const found = [];
  const opening = /^(\s*)(?:export\s+|default\s+|async\s+|static\s+|private\s+|public\s+|override\s+|get\s+|set\s+|@\w+\s+)*(?:function\s*\*?\s*)?([\w#$]+)\s*(?:<[^>]*>)?\(/;
  const notOne = /^(if|for|while|switch|catch|return|await|super|describe|it|test|constructor\s*;)$/;
  for (let i = 0; i < lines.length; i++) {
    const match = opening.exec(lines[i]);
    if (!match || notOne.test(match[2]) || !/\{\s*$/.test(lines[i])) continue;
    const end = lines.findIndex((text, j) => j > i && text.startsWith(`${match[1]}}`));
    if (end - i + 1 > LONGEST_FUNCTION) found.push({ name: match[2], line: i + 1, length: end - i + 1 });
  }
  return found;
}

/** Files of the repository must not name directories of the machine they were written on. */
function checkPaths() {
  const own = `tools/${basename(fileURLToPath(import.meta.url))}`;
  const machine = /(?<![\w./:-])\/(?:work|root|home\/\w+)\//;
  // packetdrill scripts restore settings through a file of this name: their language, not our machine.
  const temporary = /(?<![\w./:-])\/tmp\/(?!sysctl_restore_)/;
  let tracked;
  try {
    tracked = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\0");
  } catch {
    return;
  }
  for (const file of tracked.filter((name) => name && name !== own && existsSync(join(ROOT, name)))) {
    const content = readFileSync(join(ROOT, file));
    if (content.includes(0)) continue;
    content.toString("utf8").split("\n").forEach((line, i) => {
      const bad = machine.test(line) || (temporary.test(line) && !line.includes("mkdtemp"));
      if (bad) problems.push(`${file}:${i + 1}: path of a machine: ${line.trim().slice(0, 100)}`);
    });
  }
}

const core = sources("assembly", /(?<!\.d)\.ts$/);
const host = sources("host", /\.ts$/);
const lengthChecked = [...core, ...host, ...sources("host", /\.[ch]$/), ...sources("tools", /\.mjs$/)];
checkCycles(new Map([...checkTree("assembly", coreRules(), core), ...checkTree("host", HOST_RULES, host)]));
checkLength(lengthChecked.filter((file) => !file.endsWith(".gen.ts") && file !== "host/c/include/lastack_abi.h"));
checkPaths();
for (const warning of warnings) console.log(`warning: ${warning}`);
for (const problem of problems) console.error(`layers: ${problem}`);
if (problems.length) process.exitCode = 1;
else console.log(`layers: ${core.length} files of the core and ${host.length} of the host are in order`);
