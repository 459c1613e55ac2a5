/** `npm run sim -- [options]`: runs seeds, or replays one. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { compileCore } from "../../host/core/index.ts";
import { scenarioOf } from "./program.ts";
import { type RunOptions, runScenario } from "./run.ts";

const HELP = `usage: npm run sim -- [options]

Runs random programs of socket calls on two or three stacks on a switch, in virtual time: plain and overlapped ones, cancelled and
closed at any point. Checks at every step that streams are equal, no byte comes twice, sequence numbers never go back, every
connection has a deadline or waits on its user, every overlapped operation completes once, every close settles once with a true
report, and tables and memory return to the start. A seed decides everything.

options
  --seeds N    run N seeds (default 2000)
  --from S     the first of them (default 1)
  --seed S     run one seed and print what it is
  --trace      with --seed: every call and every frame
  --pcap FILE  with --seed: record what the first station sends and takes, as pcapng
  --wasm FILE  another build of the core (default build/lastack.wasm)
  --help       this text

exit code: 0 all seeds passed, 1 some failed, 2 bad arguments`;

const SPEC = {
  seeds: { type: "string" }, from: { type: "string" }, seed: { type: "string" }, pcap: { type: "string" }, wasm: { type: "string" },
  trace: { type: "boolean" }, help: { type: "boolean" },
} as const;

type Out = (text: string) => void;

function integer(text: string | undefined, fallback: number, name: string): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw new RangeError(`--${name} is ${text}; expected an integer from 0 to 4294967295`);
  return value;
}

/** Runs the command; returns its exit code. */
export async function main(args: readonly string[], defaultWasm: string, out: Out): Promise<number> {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    out(`sim: ${(error as Error).message}\nsee --help`);
    return 2;
  }
  if (values.help) {
    out(HELP);
    return 0;
  }
  const module = await compileCore(new Uint8Array(readFileSync(values.wasm ?? defaultWasm)));
  if (values.seed !== undefined) return one(integer(values.seed, 1, "seed"), { module, ...(values.pcap && { pcap: values.pcap }), ...(values.trace && { trace: out }) }, out);
  return many(integer(values.from, 1, "from"), integer(values.seeds, 2000, "seeds"), { module }, out);
}

function parse(args: readonly string[]) {
  const { values } = parseArgs({ args: [...args], options: SPEC });
  integer(values.seed, 1, "seed");
  integer(values.from, 1, "from");
  integer(values.seeds, 1, "seeds");
  return values;
}

function one(seed: number, options: RunOptions, out: Out): number {
  const scenario = scenarioOf(seed);
  const { steps, ...world } = scenario;
  out(`${JSON.stringify(world)}, ${steps.length} steps`);
  const { failure, ...result } = runScenario(scenario, options);
  out(JSON.stringify(result));
  if (failure) out(`seed ${seed} failed: ${failure}`);
  return failure ? 1 : 0;
}

function add(to: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, n] of Object.entries(more)) to[name] = (to[name] ?? 0) + n;
}

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, n) => sum + n, 0);
const listed = (counts: Readonly<Record<string, number>>): string => Object.entries(counts).sort(([, a], [, b]) => b - a).map(([name, n]) => `${name} ${n}`).join(", ");

function many(from: number, count: number, options: RunOptions, out: Out): number {
  const started = performance.now();
  const failed: number[] = [];
  const outcomes: Record<string, number> = {};
  const operations: Record<string, number> = {};
  const sum = { steps: 0, segments: 0, connections: 0, closes: 0, virtualMs: 0 };
  for (let seed = from; seed < from + count; seed++) {
    const result = runScenario(scenarioOf(seed), options);
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += result[name];
    add(outcomes, result.outcomes);
    add(operations, result.operations);
    if (!result.failure) continue;
    failed.push(seed);
    if (failed.length <= 20) out(`seed ${seed} failed: ${result.failure}`);
  }
  out(`${count} seeds from ${from}: ${count - failed.length} passed, ${failed.length} failed, in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  out(`${sum.steps} steps, ${sum.connections} connections, ${sum.segments} segments, ${(sum.virtualMs / 3_600_000).toFixed(1)} virtual hours`);
  out(`${sum.closes} closes: ${listed(outcomes)}`);
  out(`${total(operations)} overlapped operations: ${listed(operations)}`);
  if (failed.length > 0) out(`replay one: npm run sim -- --seed ${failed[0]} --trace --pcap FILE`);
  return failed.length > 0 ? 1 : 0;
}
