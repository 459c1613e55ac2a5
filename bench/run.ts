/** `npm run bench`: measures, prints a table, writes build/bench.json. */
import { readFile, writeFile } from "node:fs/promises";
import { arch, cpus, platform } from "node:os";
import { parseArgs } from "node:util";
import { chart } from "./chart.ts";
import { type Entry, entryOf, type Figure, measureAll, median, ratios, reaches, unitsOf, type Values, warm } from "./figures.ts";
import { suite, type Suite } from "./suite.ts";

const ROUNDS = 5;
const MS = 400;
const CROWD = 100_000;
/** Built by tools/bench.mjs. */
const BOUND = "build/.bench/bound.wasm";

export const HELP = `usage: npm run bench -- [options]

Measures Lastack over a memory link and over host sockets, and Node's net in the same run, in interleaved rounds. Prints
medians with their spread, and how many times the peer's figure that is; writes build/bench.json and a chart beside it.

  --only TEXT[,TEXT]  only the figures whose id contains one of the texts
  --rounds N          rounds, 1 to 99 (default: ${ROUNDS}); five or more for anything that is to be quoted
  --ms N              milliseconds of one measurement, 1 to 60000 (default: ${MS}); a long transfer takes 25 times that
  --json              print the entries instead of the table
  --out FILE          write the entries there (default: build/bench.json)
  --crowd N           connections of the figures with many, 1 to 200000 (default: ${CROWD})
  --wasm FILE         build to measure (default: build/lastack.simd.wasm)
  --cpu               by the processor time of this process instead of time: for a machine that does something else besides
  --list              print the ids and exit
  --help              this text
`;

export class BenchUsageError extends Error {}

export interface BenchOptions {
  readonly only: readonly string[];
  readonly rounds: number;
  readonly ms: number;
  readonly json: boolean;
  readonly out: string;
  readonly wasm: string;
  readonly crowd: number;
  readonly cpu: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

function integer(option: string, text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback;
  if (!/^\d{1,6}$/.test(text) || Number(text) < 1 || Number(text) > max) throw new BenchUsageError(`--${option} is "${text}"; expected an integer from 1 to ${max}`);
  return Number(text);
}

export function parseBench(args: readonly string[]): BenchOptions {
  const options = {
    only: { type: "string" }, rounds: { type: "string" }, ms: { type: "string" }, json: { type: "boolean" },
    out: { type: "string" }, crowd: { type: "string" }, wasm: { type: "string" }, cpu: { type: "boolean" }, list: { type: "boolean" }, help: { type: "boolean", short: "h" },
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>["values"];
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }));
  } catch (error) {
    throw new BenchUsageError((error as Error).message.split(/\.\s/)[0]);
  }
  return {
    only: values.only?.split(",").filter((text) => text !== "") ?? [],
    rounds: integer("rounds", values.rounds, ROUNDS, 99),
    ms: integer("ms", values.ms, MS, 60_000),
    json: values.json === true,
    out: values.out ?? "build/bench.json",
    wasm: values.wasm ?? "build/lastack.simd.wasm",
    crowd: integer("crowd", values.crowd, CROWD, 200_000),
    cpu: values.cpu === true,
    list: values.list === true,
    help: values.help === true,
  };
}

function chosen({ figures }: Suite, only: readonly string[]): readonly Figure[] {
  const found = only.length === 0 ? figures : figures.filter(({ id }) => only.some((text) => id.includes(text)));
  if (found.length === 0) throw new BenchUsageError(`--only is "${only.join(",")}"; expected a part of one of: ${figures.map(({ id }) => id).join(", ")}`);
  return found;
}

const short = (value: number): string => (Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3));

function spread(values: readonly number[]): string {
  return `${short(median(values))} [${short(Math.min(...values))}..${short(Math.max(...values))}]`;
}

function verdict(entry: Entry): string {
  const [target, stretch] = [reaches(entry, entry.target), reaches(entry, entry.stretch)];
  if (target === undefined) return "";
  const sign = entry.better === "higher" ? "≥" : "≤";
  const aim = `${sign} ${entry.target}${entry.stretch === null ? "" : `, stretch ${entry.stretch}`}`;
  return `${aim}: ${stretch ? "stretch reached" : target ? "reached" : "missed"}`;
}

function table(figures: readonly Figure[], beside: Suite["beside"], values: Values): string {
  const rows = [["what", "value [min..max]", "unit", "peer [min..max]", "ratio [min..max]", "target"]];
  for (const figure of figures) {
    const { own, peer, about, unit } = figure;
    const mine = values.get(own) as readonly number[];
    const theirs = peer && (values.get(peer) as readonly number[]);
    rows.push([about, spread(mine), unit, theirs ? spread(theirs) : "-", theirs ? spread(ratios(figure, values)) : "-", verdict(entryOf(figure, values))]);
  }
  for (const { measure, unit } of beside) rows.push([measure.name, spread(values.get(measure) as readonly number[]), unit, "-", "-", ""]);
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] as number)).join("  ").trimEnd()).join("\n");
}

/** The table's head: a figure without its machine is none. */
function conditions({ rounds, ms, wasm, cpu }: BenchOptions): string {
  const machine = cpus();
  return [
    `Node ${process.version}, ${platform()} ${arch()}, ${machine.length} × ${machine[0]?.model.trim() ?? "unknown processor"}; ${wasm}`,
    `medians of ${rounds} interleaved rounds of ${ms} ms; both ends in one process; peer: Node net on loopback; windows of 1 MiB${cpu ? "; by processor time" : ""}`,
  ].join("\n");
}

const chartFile = (out: string): string => `${out.replace(/\.json$/, "")}.svg`;

/** Runs the benchmark. `tell` gets progress, `print` the result. */
export async function bench(options: BenchOptions, print: (text: string) => void, tell: (text: string) => void): Promise<readonly Entry[]> {
  const compiled = async (file: string): Promise<WebAssembly.Module> => WebAssembly.compile(await readFile(file));
  const all = suite({ wasm: await compiled(options.wasm), bound: await compiled(BOUND), crowd: options.crowd, file: options.wasm });
  if (options.list) {
    print(all.figures.map(({ id }) => id).join("\n"));
    return [];
  }
  const figures = chosen(all, options.only);
  const beside = options.only.length === 0 ? all.beside : [];
  if (options.rounds > 1) {
    tell("warming up");
    await warm(figures, options.ms, options.cpu);
  }
  const values = await measureAll(figures, beside.map(({ measure }) => measure), options.rounds, options.ms, (done, of, name) => tell(`${done + 1}/${of} ${name}`), options.cpu ? unitsOf(figures) : undefined);
  const entries = figures.map((figure) => entryOf(figure, values));
  await writeFile(options.out, `${JSON.stringify(entries, null, 2)}\n`);
  await writeFile(chartFile(options.out), chart(entries, `Lastack against its targets: medians of ${options.rounds} rounds, Node ${process.version}`));
  print(options.json ? JSON.stringify(entries, null, 2) : `${conditions(options)}\n\n${table(figures, beside, values)}\n\nwritten: ${options.out}`);
  return entries;
}
