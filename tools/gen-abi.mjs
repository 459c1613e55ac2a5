#!/usr/bin/env node
// Generates host/abi/<file>.gen.ts and host/c/include/lastack_abi.h from assembly/abi/*.ts, so that the core and its
// hosts can never disagree about a number. `--check` writes nothing and exits 1 when something would change.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const SOURCE_DIR = join(ROOT, "assembly", "abi");
const TS_DIR = join(ROOT, "host", "abi");
const HEADER = join(ROOT, "host", "c", "include", "lastack_abi.h");

const CONST_LINE = /^export const ([A-Z][A-Z0-9_]*): ([iu]32) = ([^;]+);$/;
const LITERAL = /^(0x[0-9a-f]+|\d+)$/i;
const EXPRESSION = /^[0-9a-fx\s()<>|&+*~-]+$/i;

/** The names of RFC 9293 figure 5; they tell the TCP_ states from the TCP_ options. */
const TCP_STATES =
  "CLOSED LISTEN SYN_SENT SYN_RCVD ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 CLOSE_WAIT CLOSING LAST_ACK TIME_WAIT".split(" ");
const EVENT_FIELDS = new Set(["EVENT_KIND", "EVENT_HANDLE", "EVENT_A", "EVENT_B"]);

/** Reverse maps: which constants of which file become `export const NAME: Readonly<Record<number, string>>`. */
const MAPS = [
  { file: "errors", name: "errorName", doc: "Error number to its constant's name.", match: /^(WSA|LASTACK_)/, text: (n) => n },
  { file: "report", name: "outcomeName", doc: "OUTCOME_ number to its name as the API spells it.", match: /^OUTCOME_/, text: (n) => camel(n.slice(8)) },
  { file: "report", name: "causeName", doc: "CAUSE_ number to its name as the API spells it.", match: /^CAUSE_/, text: (n) => camel(n.slice(6)) },
  { file: "events", name: "eventName", doc: "EVENT_ kind to its name.", match: /^EVENT_/, except: EVENT_FIELDS, text: (n) => camel(n.slice(6)) },
  { file: "events", name: "opName", doc: "OP_ number to its name.", match: /^OP_/, text: (n) => camel(n.slice(3)) },
  { file: "winsock", name: "tcpStateName", doc: "TCP state number to its name in RFC 9293 (with _ for -).", match: new RegExp(`^TCP_(${TCP_STATES.join("|")})$`), text: (n) => n.slice(4) },
  { file: "winsock", name: "networkEventName", doc: "FD_ bit (value, not position) to its constant's name.", match: /^FD_(?!ALL_|MAX_)(?!.*_BIT$)/, text: (n) => n },
];

function camel(upper) {
  return upper.toLowerCase().replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
}

/** Reads one file into { name, header, items }, where an item is a constant or a comment that stands alone. */
function parse(path, known) {
  const name = basename(path, ".ts");
  const lines = readFileSync(path, "utf8").split("\n");
  const items = [];
  let header = [];
  let comment = null;
  let seenFirst = false;
  const flush = () => {
    if (comment && !seenFirst) header = comment;
    else if (comment) items.push({ comment });
    seenFirst = true;
    comment = null;
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const fail = (why) => { throw new Error(`${relative(ROOT, path)}:${i + 1}: ${why}: ${line}`); };
    if (line.trim() === "") {
      if (comment) flush();
      items.push({ blank: true });
    } else if (line.startsWith("/**")) {
      if (comment) flush();
      const start = i;
      while (!lines[i].includes("*/")) if (++i >= lines.length) fail("comment has no end");
      comment = lines.slice(start, i + 1);
    } else if (line.startsWith("//")) {
      continue;
    } else {
      const m = CONST_LINE.exec(line);
      if (!m) fail("expected `export const NAME: i32|u32 = value;`");
      seenFirst = true;
      const value = evaluate(m[3].trim(), m[2], known, fail);
      if (known.has(m[1])) fail("this name exists already");
      known.set(m[1], value);
      items.push({ name: m[1], type: m[2], source: m[3].trim(), value, comment });
      comment = null;
    }
  }
  return { name, header, items };
}

/** The number an initialiser means: a literal, an operator expression, or a reference to an earlier constant. */
function evaluate(source, type, known, fail) {
  const text = source
    .replace(/<[iu]32>/g, "")
    .replace(/\b[A-Z][A-Z0-9_]*\b/g, (n) => (known.has(n) ? String(known.get(n)) : fail(`unknown name ${n}`)));
  if (!EXPRESSION.test(text)) fail("not a constant expression this generator reads");
  const value = Function(`"use strict"; return (${text});`)();
  return type === "u32" ? value >>> 0 : value | 0;
}

function valueText(item) {
  return LITERAL.test(item.source) ? item.source : String(item.value);
}

function tsFile(file) {
  const out = [`// Generated from assembly/abi/${file.name}.ts by tools/gen-abi.mjs. Do not edit.`, ...file.header];
  for (const item of file.items) {
    if (item.blank) out.push("");
    if (item.comment) out.push(...item.comment);
    if (item.name) out.push(`export const ${item.name} = ${valueText(item)};`);
  }
  const constants = file.items.filter((i) => i.name);
  for (const map of MAPS.filter((m) => m.file === file.name)) {
    const chosen = constants.filter((c) => map.match.test(c.name) && !map.except?.has(c.name));
    const twice = chosen.find((c, i) => chosen.findIndex((d) => d.value === c.value) !== i);
    if (twice) throw new Error(`${map.name}: the value of ${twice.name} occurs twice`);
    out.push("", `/** ${map.doc} */`, `export const ${map.name}: Readonly<Record<number, string>> = {`);
    for (const c of chosen) out.push(`  [${c.name}]: ${JSON.stringify(map.text(c.name))},`);
    out.push("};");
  }
  if (file.name === "stats") out.push(...statNames(constants));
  return tidy(out);
}

function statNames(constants) {
  const stats = constants.filter((c) => c.name !== "STAT_COUNT");
  stats.forEach((c, i) => {
    if (c.value !== i) throw new Error(`stats: ${c.name} is ${c.value}, expected ${i}: indices run without gaps`);
  });
  const count = constants.find((c) => c.name === "STAT_COUNT");
  if (count?.value !== stats.length) throw new Error(`stats: STAT_COUNT is not ${stats.length}`);
  const names = stats.map((c) => `  ${JSON.stringify(camel(c.name.slice(5)))},`);
  return ["", "/** Names of the counters, in the order of their indices. */", "export const statNames = [", ...names, "] as const;"];
}

function headerFile(files) {
  const out = [
    "/* Generated from assembly/abi by tools/gen-abi.mjs. Do not edit.",
    " *",
    " * Every name carries the prefix LASTACK_, because a C host may include its system's socket headers too.",
    " */",
    "#ifndef LASTACK_ABI_H",
    "#define LASTACK_ABI_H",
  ];
  for (const file of files) {
    out.push("", ...file.header);
    for (const item of file.items) {
      if (item.blank) out.push("");
      if (item.comment) out.push(...item.comment);
      if (!item.name) continue;
      const name = item.name.startsWith("LASTACK_") ? item.name : `LASTACK_${item.name}`;
      const text = valueText(item);
      out.push(`#define ${name} ${item.type === "u32" ? `${text}u` : item.value < 0 ? `(${text})` : text}`);
    }
  }
  out.push("", "#endif");
  return tidy(out);
}

/** One blank line at most in a row, one newline at the end. */
function tidy(lines) {
  return `${lines.join("\n").replace(/\n{3,}/g, "\n\n").trimEnd()}\n`;
}

function main(args) {
  if (args.includes("--help")) {
    console.log("usage: node tools/gen-abi.mjs [--check]\n\nWrites host/abi/*.gen.ts and host/c/include/lastack_abi.h from assembly/abi/*.ts.\n  --check   write nothing, exit 1 when a file would change");
    return 0;
  }
  const unknown = args.find((a) => a !== "--check");
  if (unknown) throw new Error(`unknown argument ${unknown}; expected --check or nothing`);
  const check = args.includes("--check");
  const known = new Map();
  const files = readdirSync(SOURCE_DIR).filter((f) => f.endsWith(".ts")).sort().map((f) => parse(join(SOURCE_DIR, f), known));
  const outputs = new Map(files.map((f) => [join(TS_DIR, `${f.name}.gen.ts`), tsFile(f)]));
  outputs.set(HEADER, headerFile(files));
  let changed = 0;
  for (const [path, text] of outputs) {
    if (current(path) === text) continue;
    changed++;
    console.log(`${check ? "out of date" : "wrote"}: ${relative(ROOT, path)}`);
    if (check) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  for (const f of readdirSync(TS_DIR)) {
    if (!f.endsWith(".gen.ts") || outputs.has(join(TS_DIR, f))) continue;
    changed++;
    console.log(`no source for host/abi/${f}: delete it`);
  }
  if (check && changed) console.log("run: npm run gen");
  return check && changed ? 1 : 0;
}

function current(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  console.error(`gen-abi: ${error.message}`);
  process.exitCode = 1;
}
