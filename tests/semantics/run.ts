/** Runs the rows of the Winsock contract on both providers: node --import tsx tests/semantics/run.ts, or npm run semantics. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { attempt } from "./attempt.ts";
import { RowFailure } from "./check.ts";
import { mutants } from "./mutate.ts";
import { hostFigures, type HostOutcome, hostOutcome } from "./kernel/rows.ts";
import { sockets, stop } from "./kernel/thread.ts";
import { CHAPTERS, loadScenarios, type Registered } from "./registry.ts";
import { type Figures, figures, type Outcome, renderDocument } from "./report.ts";
import { target } from "./support/hosts.ts";
import { readRows, type RowLine, rowsById } from "./table.ts";

const HELP = `usage: npm run semantics -- [--provider inet|host|both] [--mutate] [--build NAME] [--no-build] [--verbose] [ROW or CHAPTER ...]

Runs every row of the Winsock contract (tests/semantics/rows.tsv) against build/lastack.wasm: on its own TCP/IP
in virtual time, and on the operating system's sockets over loopback. Without --provider, ROW or CHAPTER also writes docs/semantics.md and build/semantics.json.

  --provider P  only inet (own TCP/IP) or only host (the system's sockets); default both
  --no-koffi    host sockets without koffi, as where it is not installed: rows that need it are not run, and no file is written
  --mutate      alters each expected value in turn; every altered row must fail (inet)
  --seeds N     instead: the six steps of chapter T over N wires that lose, delay, reorder and double frames
  --build NAME  another build of the core: debug, simd
  --no-build    takes the build that is there, whatever its age
  --verbose     prints the stack of every failure
  C-08, C       only these rows, or these chapters
`;

interface Options {
  provider: "inet" | "host" | "both";
  mutate: boolean;
  verbose: boolean;
  only: string[];
}

function parse(args: readonly string[]): Options {
  const options: Options = { provider: "both", mutate: false, verbose: false, only: [] };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === "--provider") options.provider = providerOf(args[++i]);
    else if (arg === "--no-koffi") sockets.koffi = false;
    else if (arg === "--mutate") options.mutate = true;
    else if (arg === "--verbose") options.verbose = true;
    else if (arg === "--build") target.build = args[++i] ?? "";
    else if (/^[A-Z](-\d\d)?$/.test(arg)) options.only.push(arg);
    else throw new Error(`unknown argument ${arg}; expected --provider, --no-koffi, --mutate, --build, --verbose, --help, a row or a chapter`);
  }
  return options;
}

function providerOf(name: string | undefined): Options["provider"] {
  if (name === "inet" || name === "host" || name === "both") return name;
  throw new Error(`--provider is ${name ?? "missing"}; expected inet, host or both`);
}

async function outcomeOf(lines: readonly RowLine[], scenario: Registered | undefined, verbose: boolean): Promise<Outcome> {
  const { id, title, inet } = lines[0] as RowLine;
  const base = { id, title, file: scenario?.file ?? "" };
  if (inet === "host") return { ...base, status: "host", why: "" };
  const [status, why] = inet.split(/:(.*)/) as [string, string | undefined];
  if (status !== "test") return { ...base, status: status as "later" | "na", why: why ?? "" };
  if (!scenario) return { ...base, status: "untested", why: "no scenario" };
  for (const line of lines) {
    const failure = await attempt(line, scenario);
    if (!failure) continue;
    const where = line.setting === "-" ? "" : `${line.setting}: `;
    return { ...base, status: "fail", why: where + (verbose ? failure.stack : failure.message.split("\n")[0]) };
  }
  return { ...base, status: "pass", why: "" };
}

/** Rows whose altered expectations nobody noticed. */
async function survivors(lines: readonly RowLine[], scenario: Registered): Promise<{ tried: number; lived: string[] }> {
  let tried = 0;
  const lived: string[] = [];
  for (const line of lines) {
    for (const mutant of mutants(line)) {
      tried++;
      const failure = await attempt(mutant.row, scenario);
      if (failure instanceof RowFailure && failure.column === mutant.column) continue;
      const what = `${line.id} ${line.setting} ${mutant.column}[${mutant.index}]: "${mutant.from}" as "${mutant.to}"`;
      lived.push(failure ? `${what}: another failure, ${failure.message.split("\n")[0]}` : what);
    }
  }
  return { tried, lived };
}

async function mutateAll(rows: ReadonlyMap<string, RowLine[]>, scenarios: ReadonlyMap<string, Registered>, passing: readonly string[]): Promise<number> {
  let tried = 0;
  const lived: string[] = [];
  for (const id of passing) {
    const found = await survivors(rows.get(id) as RowLine[], scenarios.get(id) as Registered);
    tried += found.tried;
    lived.push(...found.lived);
  }
  for (const line of lived) console.log(`survived: ${line}`);
  console.log(`mutations: ${tried} tried in ${passing.length} rows, ${tried - lived.length} killed, ${lived.length} survived`);
  return lived.length;
}

function print(outcomes: readonly Outcome[], total: Figures): void {
  for (const { id, status, why } of outcomes) if (status === "fail" || status === "untested") console.log(`${status} ${id}: ${why}`);
  const { pass, fail, untested, later, na } = total;
  console.log(`inet: ${pass} pass, ${fail} fail, ${untested} untested, ${later} later, ${na} not applicable, of ${pass + fail + untested + later + na} rows`);
}

/** Rows on the operating system's sockets; the thread that holds them ends with the last. */
async function runHost(chosen: readonly Chosen[], verbose: boolean): Promise<HostOutcome[]> {
  const outcomes: HostOutcome[] = [];
  for (const { lines, scenario } of chosen) outcomes.push(await hostOutcome(lines, scenario, verbose));
  stop();
  return outcomes;
}

function printHost(outcomes: readonly HostOutcome[], brief: boolean): void {
  const shown = brief ? ["fail", "untested"] : ["fail", "untested", "notRun", "impossible"];
  for (const { id, status, why } of outcomes) if (shown.includes(status)) console.log(`host ${status} ${id}: ${why}`);
  const { pass, fail, untested, notRun, impossible, later, na, apart } = hostFigures(outcomes);
  console.log(`host: ${pass} pass, ${fail} fail, ${untested} untested, ${notRun} not run, ${impossible} impossible, ${later} later, ${na} not applicable, ${apart} by tests of their own, of ${outcomes.length} rows`);
}

function write(rows: ReadonlyMap<string, RowLine[]>, outcomes: readonly Outcome[], host: readonly HostOutcome[]): void {
  const root = new URL("../../", import.meta.url);
  const build = fileURLToPath(new URL("build/", root));
  if (!existsSync(build)) mkdirSync(build);
  const figuresOfHost = { ...hostFigures(host), verdicts: verdicts(rows) };
  writeFileSync(new URL("build/semantics.json", root), `${JSON.stringify({ inet: figures(outcomes), host: figuresOfHost }, null, 2)}\n`);
  writeFileSync(new URL("docs/semantics.md", root), renderDocument(rows, outcomes, host));
}

/** How many rows have each verdict on the host provider. */
function verdicts(rows: ReadonlyMap<string, RowLine[]>): Record<string, number> {
  const count: Record<string, number> = {};
  for (const [line] of rows.values()) if (line) count[line.host] = (count[line.host] ?? 0) + 1;
  return count;
}

interface Chosen {
  readonly lines: readonly RowLine[];
  readonly scenario: Registered | undefined;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    process.stdout.write(HELP);
    return 0;
  }
  const options = parse(args);
  const rows = rowsById(readRows());
  const scenarios = await loadScenarios(readdirSync(CHAPTERS).filter((name) => name.endsWith(".ts")).sort());
  for (const id of scenarios.keys()) if (!rows.has(id)) throw new Error(`a scenario is named ${id}, which is no row`);
  const wanted = (id: string): boolean => options.only.length === 0 || options.only.some((one) => id === one || id.startsWith(`${one}-`));
  const chosen = [...rows].filter(([id]) => wanted(id)).map(([id, lines]): Chosen => ({ lines, scenario: scenarios.get(id) }));
  if (chosen.length === 0) throw new Error(`no row is called ${options.only.join(", ")}`);
  const outcomes: Outcome[] = [];
  if (options.provider !== "host") for (const { lines, scenario } of chosen) outcomes.push(await outcomeOf(lines, scenario, options.verbose));
  const total = figures(outcomes);
  if (options.provider !== "host") print(outcomes, total);
  const host = options.provider === "inet" ? [] : await runHost(chosen, options.verbose);
  if (options.provider !== "inet") printHost(host, options.only.length === 0);
  if (options.only.length === 0 && options.provider === "both" && sockets.koffi) write(rows, outcomes, host);
  const lived = options.mutate ? await mutateAll(rows, scenarios, outcomes.filter((one) => one.status === "pass").map((one) => one.id)) : 0;
  const { fail, untested } = hostFigures(host);
  return total.fail + total.untested + fail + untested + lived > 0 ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`semantics: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
