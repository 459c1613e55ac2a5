#!/usr/bin/env node
// Statement coverage of a room of assembly/: a copy of the project is instrumented statement by statement, its tests run against
// that core, and what never ran is printed.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as as from "assemblyscript";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const HELP = `usage: npm run coverage -- [--room winsock] [--least 95] [--missed]

Instruments assembly/<room>, runs the socket layer's tests, the contract's rows and the packetdrill corpus against it, and prints the
share of statements that ran per file; writes build/coverage.json. Exits 1 below --least percent.

  --room NAME   folder of assembly/ (default winsock)
  --least N     percent wanted (default 95)
  --missed      lists the lines that never ran
`;

const COUNTER = `// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "coverage_hit") export declare function hit(n: i32): void;
`;

/** Files below a folder, with their paths relative to the project. */
function files(folder) {
  return readdirSync(folder, { recursive: true }).map(String).filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts")).map((name) => join(folder, name));
}

/** Text of a file with a counter before every statement of its functions; appends { file, line } to `points`. */
function instrument(text, path, counterPath, points) {
  const program = as.newProgram(as.newOptions());
  as.parse(program, text, path, true);
  const source = program.sources.find((one) => one.normalizedPath === path || one.text === text);
  const edits = [];
  const lineOf = (at) => text.slice(0, at).split("\n").length;
  const mark = (statement) => {
    points.push({ file: path, line: lineOf(statement.range.start) });
    return `__hit(${points.length - 1}); `;
  };
  const { NodeKind } = as;
  const endOf = (statement) => {
    let end = statement.range.end;
    if (statement.kind !== NodeKind.Block && text[end - 1] !== ";" && text[end - 1] !== "}" && text[end] === ";") end++;
    return end;
  };
  const body = (statement) => {
    if (!statement) return;
    if (statement.kind === NodeKind.Block) return block(statement.statements);
    if (statement.kind === NodeKind.Empty) return;
    edits.push({ at: statement.range.start, text: `{ ${mark(statement)}` });
    edits.push({ at: endOf(statement), text: " }" });
    inside(statement);
  };
  const inside = (statement) => {
    switch (statement.kind) {
      case NodeKind.Block: block(statement.statements); break;
      case NodeKind.If: body(statement.ifTrue); if (statement.ifFalse?.kind === NodeKind.If) inside(statement.ifFalse); else body(statement.ifFalse); break;
      case NodeKind.For: case NodeKind.While: case NodeKind.Do: body(statement.body); break;
      case NodeKind.Switch: for (const one of statement.cases) block(one.statements); break;
    }
  };
  const block = (statements) => {
    for (const statement of statements) {
      if (statement.kind === NodeKind.Empty) continue;
      edits.push({ at: statement.range.start, text: mark(statement) });
      inside(statement);
    }
  };
  for (const statement of source.statements) {
    if (statement.kind === NodeKind.FunctionDeclaration && statement.body) {
      if (statement.body.kind === NodeKind.Block) block(statement.body.statements);
    }
  }
  edits.sort((x, y) => y.at - x.at || edits.indexOf(y) - edits.indexOf(x));
  let out = text;
  for (const { at, text: inserted } of edits) out = out.slice(0, at) + inserted + out.slice(at);
  return edits.length ? `import { hit as __hit } from "${counterPath}";\n${out}` : text;
}

function options(args) {
  const at = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const known = ["--room", "--least", "--missed", "--help"];
  const unknown = args.find((arg, i) => arg.startsWith("-") ? !known.includes(arg) : !["--room", "--least"].includes(args[i - 1]));
  if (unknown) throw new Error(`unknown argument "${unknown}"; expected --room NAME, --least N, --missed or --help`);
  const room = at("--room") ?? "winsock", least = Number(at("--least") ?? 95);
  if (!existsSync(join(ROOT, "assembly", room))) throw new Error(`--room is "${room}"; expected a folder of assembly/`);
  if (!(least >= 0 && least <= 100)) throw new Error(`--least is "${at("--least")}"; expected 0 to 100`);
  return { room, least, missed: args.includes("--missed") };
}

/** Copies the project, instruments the room, builds the core twice under the names the tests load. */
function prepare(copy, room) {
  for (const name of ["assembly", "host", "tests", "tools", "asconfig.json", "package.json", "tsconfig.json"]) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  cpSync(join(ROOT, "build"), join(copy, "build"), { recursive: true, filter: (from) => !from.includes(".stamps") });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const points = [];
  writeFileSync(join(copy, "assembly", "wasi", "coverage.ts"), COUNTER);
  for (const path of files(join(copy, "assembly", room))) {
    const counter = relative(dirname(path), join(copy, "assembly", "wasi", "coverage")).replaceAll("\\", "/");
    writeFileSync(path, instrument(readFileSync(path, "utf8"), relative(copy, path), counter, points));
  }
  const config = JSON.parse(readFileSync(join(copy, "asconfig.json"), "utf8"));
  delete config.targets.debug.sourceMap;
  writeFileSync(join(copy, "asconfig.json"), JSON.stringify(config));
  const asc = join("node_modules", "assemblyscript", "bin", "asc.js");
  const built = spawnSync(process.execPath, [asc, "--config", "asconfig.json", "--target", "debug"], { cwd: copy, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`the instrumented core does not compile:\n${built.stdout}${built.stderr}`);
  cpSync(join(copy, "build", "lastack.debug.wasm"), join(copy, "build", "lastack.wasm"));
  return points;
}

/** Longest one of them may take; some minutes on two quiet cores. */
const RUN_MS = 1_500_000;
const RUNS = [
  ["socket layer", ["--import", "tsx", "--test"], (name) => /^(winsock-|seqpacket|api-|net-stack|semantics-|sockets-(?!volume))/.test(name)],
  ["rows of the contract", ["tools/semantics.mjs", "--no-build", "--provider", "inet"]],
  ["rows of the contract on host sockets", ["tools/semantics.mjs", "--no-build", "--provider", "host"]],
  ["packetdrill corpus", ["tools/packetdrill.mjs", "--quiet", "tests/packetdrill"]],
];

function main(args) {
  if (args.includes("--help")) { process.stdout.write(HELP); return 0; }
  const { room, least, missed } = options(args);
  const copy = mkdtempSync(join(tmpdir(), "lastack-coverage-"));
  try {
    const points = prepare(copy, room);
    const hits = join(copy, "hits");
    const env = { ...process.env, LASTACK_COVERAGE: hits, NODE_OPTIONS: `--import=${join(copy, "tests", "coverage", "preload.mjs")}` };
    for (const [name, run, chosen] of RUNS) {
      const tests = chosen ? readdirSync(join(copy, "tests", "host")).filter((file) => file.endsWith(".test.ts") && chosen(file)).map((file) => join("tests", "host", file)) : [];
      process.stderr.write(`running ${name} ...\n`);
      const { status } = spawnSync(process.execPath, [...run, ...tests], { cwd: copy, env, stdio: "ignore", timeout: RUN_MS });
      // What was cut short has not said which statements ran.
      if (status === null) throw new Error(`${name}: not done within ${RUN_MS / 1000} s`);
    }
    return report(points, hits, room, least, missed);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function report(points, hits, room, least, missed) {
  const ran = new Uint8Array(65536);
  for (const file of existsSync(hits) ? readdirSync(hits) : []) readFileSync(join(hits, file)).forEach((bit, i) => { ran[i] |= bit; });
  const rows = new Map();
  points.forEach(({ file, line }, i) => {
    const row = rows.get(file) ?? { statements: 0, ran: 0, missed: new Set() };
    row.statements++;
    if (ran[i]) row.ran++; else row.missed.add(line);
    rows.set(file, row);
  });
  const sorted = [...rows].sort(([x], [y]) => (x < y ? -1 : 1));
  for (const [file, row] of sorted) {
    console.log(`${((row.ran / row.statements) * 100).toFixed(1).padStart(6)} %  ${String(row.ran).padStart(5)} of ${String(row.statements).padStart(5)}  ${file}`);
    if (missed && row.missed.size) console.log(`          lines ${[...row.missed].join(", ")}`);
  }
  const total = points.length, covered = points.filter((_, i) => ran[i]).length, percent = (covered / total) * 100;
  writeFileSync(join(ROOT, "build", "coverage.json"), `${JSON.stringify({ room, statements: total, ran: covered, percent: Number(percent.toFixed(2)) })}\n`);
  console.log(`assembly/${room}: ${covered} of ${total} statements ran, ${percent.toFixed(2)} %`);
  return percent >= least ? 0 : 1;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`coverage: ${error.message}\n`);
  process.exitCode = 2;
}
