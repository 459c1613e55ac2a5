/** `npm run packetdrill -- [options] PATH…`: runs scripts and folders of scripts. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { compileCore } from "../../../host/core/index.ts";
import { ScriptError } from "./ast.ts";
import { DEFAULT_DEFINES, parseScript } from "./parse.ts";
import { formatOutcome, formatTotals, type Outcome, totalsOf } from "./report.ts";
import { type RunOptions, runScript } from "./run.ts";
import type { Mode } from "./state.ts";

const HELP = `usage: npm run packetdrill -- [options] PATH ...

Runs packetdrill scripts (.pkt) against build/lastack.wasm in virtual time and prints a verdict for each:
pass, fail, differs (the script asserts the POSIX side of a row of semantics chapter P), unsupported (with the construct).
A folder means every .pkt file below it.

options
  --strict        exact comparison (default): option order, windows, PSH, silence, nothing left after the script
  --neutral       for scripts written on other stacks: options as sets, window, PSH and buffer sizes not compared, extra pure
                  ACKs passed over in data-transfer scripts; every relaxation used is counted and printed
  -D NAME         define NAME for #ifdef (STANDARD is defined by default); may be repeated
  -U NAME         undefine NAME
  --json FILE     write all results as JSON ("-" for standard output)
  --wasm FILE     another build of the core
  --seed N        seed of the core's randomness (default 1)
  --isn-shift N   add N to the sequence numbers of injected packets, to move the peer's space across the 32-bit wrap
  --time-origin N first value of the core's millisecond clock
  --quiet         print only what is no pass, and the totals
  --help          this text

exit code: 0 no script failed, 1 some did, 2 bad arguments`;

const SPEC = {
  strict: { type: "boolean" },
  neutral: { type: "boolean" },
  define: { type: "string", short: "D", multiple: true },
  undefine: { type: "string", short: "U", multiple: true },
  json: { type: "string" },
  wasm: { type: "string" },
  seed: { type: "string" },
  "isn-shift": { type: "string" },
  "time-origin": { type: "string" },
  quiet: { type: "boolean" },
  help: { type: "boolean" },
} as const;

class UsageError extends Error {}

export interface Streams {
  out(text: string): void;
  err(text: string): void;
}

/** Runs the command; returns its exit code. `defaultWasm` is the core used without --wasm. */
export async function main(args: readonly string[], defaultWasm: string, streams: Streams): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    if (values.help) {
      streams.out(HELP);
      return 0;
    }
    if (values.strict && values.neutral) throw new UsageError("--strict and --neutral exclude each other");
    if (!positionals.length) throw new UsageError("no PATH given; expected a .pkt file or a folder");
    const files = positionals.flatMap(scriptsBelow);
    const options = await runOptions(values, defaultWasm);
    const defined = new Set([...DEFAULT_DEFINES, ...(values.define ?? [])]);
    for (const name of values.undefine ?? []) defined.delete(name);
    return report(files.map((file) => runFile(file, options, defined)), options.mode, values, streams);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    streams.err(`packetdrill: ${error.message}\nsee --help`);
    return 2;
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: SPEC, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

type Values = ReturnType<typeof parse>["values"];

async function runOptions(values: Values, defaultWasm: string): Promise<RunOptions> {
  const mode: Mode = values.neutral ? "neutral" : "strict";
  const file = values.wasm ?? defaultWasm;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(readFileSync(file));
  } catch {
    throw new UsageError(`cannot read the core ${file}; expected a build such as build/lastack.wasm`);
  }
  const options: RunOptions = { module: await compileCore(bytes), mode };
  const number = (name: "seed" | "isn-shift" | "time-origin"): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0 || value > 0xfffffffe) throw new UsageError(`--${name} is ${text}; expected an integer from 0 to 4294967294`);
    return value;
  };
  const seed = number("seed");
  const shift = number("isn-shift");
  const origin = number("time-origin");
  return { ...options, ...(seed === undefined ? {} : { seed }), ...(shift === undefined ? {} : { remoteShift: shift }), ...(origin === undefined ? {} : { timeOrigin: origin }) };
}

/** The script itself, or every .pkt file below a folder, sorted. */
export function scriptsBelow(path: string): string[] {
  let folder: boolean;
  try {
    folder = statSync(path).isDirectory();
  } catch {
    throw new UsageError(`${path} does not exist; expected a .pkt file or a folder`);
  }
  if (!folder) return [path];
  const found = readdirSync(path, { recursive: true }).map(String).filter((name) => name.endsWith(".pkt")).sort().map((name) => join(path, name));
  if (!found.length) throw new UsageError(`no .pkt file below ${path}`);
  return found;
}

/** Parses and runs one file. */
export function runFile(file: string, options: RunOptions, defined: ReadonlySet<string>): Outcome {
  const path = relative(process.cwd(), file) || file;
  try {
    return runScript(parseScript(readFileSync(file, "utf8"), path, defined), options);
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    return { path, verdict: "unsupported", line: error.line, reason: error.construct, expected: null, seen: [], rows: [], relaxations: {}, notes: [] };
  }
}

function report(outcomes: readonly Outcome[], mode: Mode, values: Values, streams: Streams): number {
  const totals = totalsOf(outcomes);
  const json = values.json;
  const text = JSON.stringify({ mode, totals, results: outcomes }, null, 2);
  if (json === "-") streams.out(text);
  else {
    for (const o of outcomes) if (!values.quiet || o.verdict !== "pass") streams.out(formatOutcome(o));
    streams.out(formatTotals(totals));
    if (json !== undefined) writeFileSync(json, `${text}\n`);
  }
  return totals.fail ? 1 : 0;
}
