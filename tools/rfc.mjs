#!/usr/bin/env node
// npm run rfc: writes docs/rfc.md and docs/states.md from tests/rfc/*.tsv and the sources they point into; `--check` writes nothing and
// exits 1 when something but line numbers would change. A place in the code, a test or a transition that is gone is an error either way.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const HELP = `usage: npm run rfc [-- --check]

Writes docs/rfc.md (every MUST and SHOULD of RFC 9293 appendix B with its code and its tests) and docs/states.md (the state machine as
assembly/tcp/state.ts has it) from tests/rfc/requirements.tsv and tests/rfc/transitions.tsv.
A place: FILE#symbol (a declaration) or FILE#"text". A test: pd:SCRIPT below tests/packetdrill, as:SPEC: TITLE and host:FILE: TITLE (the
beginning of a title suffices), row:ID of tests/semantics/rows.tsv.

exit code: 0 written or unchanged, 1 a place or test is gone, or (--check) a document is out of date
`;
/** MUSTs that may be left out with a reason. */
const MUSTS_LEFT_OUT = 15;
/** Requirement numbers of RFC 9293: MUST-1 to MUST-69, SHLD-1 to SHLD-31. */
const NUMBERS = [["MUST", 69], ["SHLD", 31]];

const problems = [];
const sources = new Map();
const read = (path) => {
  if (!sources.has(path)) sources.set(path, existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), "utf8").split("\n") : undefined);
  return sources.get(path);
};

function table(path, columns) {
  const [head, ...lines] = read(path).filter((line) => line !== "");
  if (head !== columns.join("\t")) problems.push(`${path}: the first line is not ${columns.join(", ")}`);
  return lines.map((line, i) => {
    const cells = line.split("\t");
    if (cells.length !== columns.length) problems.push(`${path}:${i + 2}: ${cells.length} columns; expected ${columns.length}`);
    return Object.fromEntries(columns.map((name, k) => [name, cells[k] ?? "-"]));
  });
}

const list = (cell) => (cell === "-" ? [] : cell.split("; "));
const cell = (text) => text.replaceAll("|", "\\|");

/** "FILE#anchor" as a link to its line. */
function place(text, where) {
  const [path, anchor] = text.split(/#(.*)/s);
  const lines = read(path);
  if (!lines) {
    problems.push(`${where}: ${path} does not exist`);
    return path;
  }
  const quoted = /^"(.*)"$/.exec(anchor);
  const declaration = quoted ? undefined : new RegExp(`\\b(?:function|const|class|let) ${anchor}\\b`);
  const found = lines.findIndex((line) => declaration?.test(line) ?? line.includes(quoted[1]));
  if (found < 0) problems.push(`${where}: ${path} has no ${quoted ? `"${quoted[1]}"` : anchor}`);
  return `[${path.replace(/^assembly\//, "")}:${found + 1}](../${path}#L${found + 1})`;
}

const TITLE = /^\s*(?:test|it|describe)\((["`])(.*?)\1,/;
const FILES = { as: (name) => `tests/as/${name}.spec.ts`, host: (name) => `tests/host/${name}.test.ts` };

/** A test as a link. */
function shown(text, where) {
  const [kind, rest] = text.split(/:(.*)/s);
  if (kind === "pd") {
    const path = `tests/packetdrill/${rest}`;
    if (!existsSync(join(ROOT, path))) problems.push(`${where}: ${path} does not exist`);
    return `[${rest}](../${path})`;
  }
  if (kind === "row") {
    if (!rows().has(rest)) problems.push(`${where}: no row ${rest} that is tested`);
    return `[row ${rest}](semantics.md)`;
  }
  const [file, title] = rest.split(/: (.*)/s);
  const path = FILES[kind]?.(file);
  const lines = path && read(path);
  const found = lines ? lines.findIndex((line) => TITLE.exec(line)?.[2].startsWith(title)) : -1;
  if (found < 0) problems.push(`${where}: ${path ?? text} has no test "${title}"`);
  return `[${file}: ${cell(title)}](../${path}#L${found + 1})`;
}

let known;
function rows() {
  known ??= new Set(read("tests/semantics/rows.tsv").map((line) => line.split("\t")).filter((cells) => cells[10]?.startsWith("test")).map((cells) => cells[0]));
  return known;
}

/** Every number the RFC gives must stand in the table. */
function checkComplete(requirements) {
  const ids = new Set(requirements.map(({ id }) => id));
  for (const [kind, last] of NUMBERS) for (let n = 1; n <= last; n++) if (!ids.has(`${kind}-${n}`)) problems.push(`tests/rfc/requirements.tsv has no ${kind}-${n}`);
}

function requirementsDocument() {
  const requirements = table("tests/rfc/requirements.tsv", ["id", "level", "part", "requirement", "code", "tests", "note"]);
  checkComplete(requirements);
  const parts = [...new Set(requirements.map(({ part }) => part))];
  const isMust = ({ level }) => level.startsWith("MUST");
  const isMet = ({ code }) => code !== "-";
  const figure = (wanted) => {
    const all = requirements.filter(wanted);
    return `${all.filter(isMet).length} of ${all.length}`;
  };
  const leftOut = new Set(requirements.filter((r) => isMust(r) && !isMet(r)).map(({ id }) => id));
  if (leftOut.size > MUSTS_LEFT_OUT) problems.push(`${leftOut.size} MUSTs are left out; at most ${MUSTS_LEFT_OUT}`);
  const text = parts.map((part) => {
    const lines = requirements.filter((r) => r.part === part).map((r) => {
      const where = `tests/rfc/requirements.tsv: ${r.id}`;
      if (isMet(r) && r.tests === "-" && r.note === "-") problems.push(`${where} has neither test nor note`);
      if (!isMet(r) && r.note === "-") problems.push(`${where} is left out without a reason`);
      const code = list(r.code).map((one) => place(one, where)).join(", "), tests = list(r.tests).map((one) => shown(one, where)).join(", ");
      return `| ${r.id} | ${r.level} | ${cell(r.requirement)} | ${code || "left out"} | ${tests} | ${r.note === "-" ? "" : cell(r.note)} |`;
    });
    return `\n## ${part}\n\n| | level | requirement | code | shown by | note |\n|---|---|---|---|---|---|\n${lines.join("\n")}\n`;
  });
  return `# RFC 9293, requirement by requirement

Generated by \`npm run rfc\` from [tests/rfc/requirements.tsv](../tests/rfc/requirements.tsv); do not edit. Every MUST and SHOULD of the RFC's
appendix B, the place in the core that obeys, and the tests that show it. A test compares this page with the sources.

**${figure(isMust)} rows of MUST and MUST NOT are met (left out: ${[...leftOut].join(", ")}), ${figure((r) => !isMust(r))} of SHOULD and SHOULD NOT.**
${text.join("")}`;
}

/** The rows of the table in tcp/state.ts: from, to, cause. */
function transitions() {
  const lines = read("assembly/tcp/state.ts"), found = [];
  lines.forEach((line, i) => {
    const match = /^\s*TCP_(\w+), TCP_(\w+), BY_(\w+),$/.exec(line);
    if (match) found.push({ from: match[1], to: match[2], cause: match[3], line: i + 1 });
  });
  return found;
}

const CAUSES = {
  PASSIVE_OPEN: "passive OPEN", ACTIVE_OPEN: "active OPEN", CLOSE: "CLOSE", ABORT: "ABORT", SYN: "SYN", SYN_ACK: "SYN,ACK", ACK_OF_SYN: "ACK of SYN",
  FIN: "FIN", ACK_OF_FIN: "ACK of FIN", RST: "RST", TIMEOUT: "timeout", SUCCESSOR: "successor", RETIRED: "record",
};

function statesDocument() {
  const machine = transitions(), key = ({ from, to, cause }) => `${from} ${to} ${cause}`;
  const shows = new Map(table("tests/rfc/transitions.tsv", ["from", "to", "cause", "tests"]).map((row) => [key(row), row.tests]));
  const own = new Set(machine.map(key));
  for (const name of shows.keys()) if (!own.has(name)) problems.push(`tests/rfc/transitions.tsv: tcp/state.ts has no ${name}`);
  const states = [...new Set(machine.flatMap(({ from, to }) => [from, to]))], causes = [...new Set(machine.map(({ cause }) => cause))];
  for (const cause of causes) if (!CAUSES[cause]) problems.push(`tools/rfc.mjs has no words for BY_${cause}`);
  const arrows = machine.filter(({ to, cause }) => to !== "CLOSED" || !["RST", "TIMEOUT", "ABORT"].includes(cause))
    .map(({ from, to, cause }) => `  ${from} --> ${to}: ${CAUSES[cause]}`);
  const matrix = states.map((from) => `| ${from} | ${causes.map((cause) => machine.find((t) => t.from === from && t.cause === cause)?.to ?? "").join(" | ")} |`);
  const tested = machine.map((t) => {
    const where = `tests/rfc/transitions.tsv: ${key(t)}`, tests = list(shows.get(key(t)) ?? "-");
    if (tests.length === 0) problems.push(`${where} has no test`);
    return `| ${t.from} | ${CAUSES[t.cause]} | ${t.to} | ${tests.map((one) => shown(one, where)).join(", ")} | [state.ts:${t.line}](../assembly/tcp/state.ts#L${t.line}) |`;
  });
  return `# The state machine

Generated by \`npm run rfc\` from the table in [assembly/tcp/state.ts](../assembly/tcp/state.ts) and
[tests/rfc/transitions.tsv](../tests/rfc/transitions.tsv); do not edit. Only \`transition()\` writes a state, and the debug build asserts that the
table has the row.

## Diagram

RST, timeout and ABORT lead from every state to CLOSED where the matrix below says so; they are left out of the picture.

\`\`\`mermaid
stateDiagram-v2
${arrows.join("\n")}
\`\`\`

## Matrix

| from | ${causes.map((cause) => CAUSES[cause]).join(" | ")} |
|---|${causes.map(() => "---|").join("")}
${matrix.join("\n")}

## Tests

| from | cause | to | shown by | row |
|---|---|---|---|---|
${tested.join("\n")}
`;
}

const unnumbered = (text) => text.replace(/:\d+\]\(([^)#]*)#L\d+\)/g, "]($1)").replace(/#L\d+\)/g, ")");

function main(args) {
  if (args.includes("--help")) {
    process.stdout.write(HELP);
    return 0;
  }
  const check = args.includes("--check"), documents = [["docs/rfc.md", requirementsDocument()], ["docs/states.md", statesDocument()]];
  for (const [path, text] of documents) {
    const old = existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), "utf8") : "", same = old === text;
    // Lines move with every edit of a source: the check asks for the rest, and that each place can be found.
    if (check && unnumbered(old) !== unnumbered(text)) problems.push(`${path} is out of date: run npm run rfc`);
    else if (!check && !same && problems.length === 0) writeFileSync(join(ROOT, path), text);
  }
  for (const problem of problems) console.error(`rfc: ${problem}`);
  return problems.length ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
