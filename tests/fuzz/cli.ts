/** `npm run fuzz -- [options]`: throws frames at the core and tells how deep they got. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compileCore } from "../../host/core/index.ts";
import { captures } from "./captures.ts";
import { DEPTHS, fuzz, type FuzzResult, MEMORY_MOST } from "./run.ts";

const HELP = `usage: npm run fuzz -- [options]

Throws segments made for live connections in all eleven states, packets for connections of messages (SOCK_SEQPACKET) in every phase,
mutations of recorded and of current traffic, ICMP, ARP, fragments and noise at a core in virtual time. A trap, a poll that does not
end, memory that grows, or anything left behind fails; the case is written to tests/fuzz/regressions/, which the host tests replay.

options
  --inputs N   frames (default 2000000)
  --seed S     default 1
  --debug      the debug build, whose assertions trap (slower)
  --wasm FILE  another build of the core
  --help       this text

exit code: 0 nothing found, 1 something found, 2 bad arguments`;

/** Least share of inputs that must reach a connection with a right checksum. */
export const SHARE = 0.3;

type Out = (text: string) => void;

const SPEC = { inputs: { type: "string" }, seed: { type: "string" }, wasm: { type: "string" }, debug: { type: "boolean" }, help: { type: "boolean" } } as const;

function parse(args: readonly string[]) {
  const { values } = parseArgs({ args: [...args], options: SPEC });
  for (const name of ["inputs", "seed"] as const) {
    const value = Number(values[name] ?? 1);
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw new RangeError(`--${name} is ${values[name]}; expected an integer from 0 to 4294967295`);
  }
  return values;
}

/** Runs the command; returns its exit code. `builds` is the folder of the builds. */
export async function main(args: readonly string[], builds: string, out: Out): Promise<number> {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    out(`fuzz: ${(error as Error).message}\nsee --help`);
    return 2;
  }
  if (values.help) {
    out(HELP);
    return 0;
  }
  const file = values.wasm ?? `${builds}/lastack.${values.debug ? "debug." : ""}wasm`;
  const module = await compileCore(new Uint8Array(readFileSync(file)));
  const started = performance.now();
  const result = fuzz({
    module, inputs: Number(values.inputs ?? 2_000_000), seed: Number(values.seed ?? 1), captures: captures(),
    regressions: fileURLToPath(new URL("./regressions", import.meta.url)),
    progress: (done) => { if (done % 250_000 === 0) out(`${done} inputs, ${((performance.now() - started) / 1000).toFixed(0)} s`); },
  });
  return tell(result, (performance.now() - started) / 1000, out);
}

const percent = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;

function tell(result: FuzzResult, seconds: number, out: Out): number {
  const { inputs, depths, states, messages, memory, failure } = result;
  out(`${inputs} inputs in ${seconds.toFixed(1)} s`);
  for (const [i, name] of DEPTHS.entries()) {
    const n = depths[i] as number;
    out(`${name.padEnd(32)} ${String(n).padStart(9)}  ${percent(n, inputs).padStart(7)}  ${"#".repeat(Math.round((50 * n) / Math.max(1, inputs)))}`);
  }
  out(`by state: ${[...states].filter(([, n]) => n > 0).map(([name, n]) => `${name} ${n}`).join(", ")}`);
  out(`messages: the program received ${messages.received} times, the core reset ${messages.resets} connections`);
  out(`linear memory at the ends of the quarters of a core's life: ${memory.join(", ")} bytes; at most ${MEMORY_MOST} expected`);
  const wrong = [
    failure,
    (depths[3] as number) < SHARE * inputs ? `only ${percent(depths[3] as number, inputs)} of the inputs found a connection` : undefined,
    Math.max(...memory) > MEMORY_MOST ? "memory grew" : undefined,
  ].filter((text) => text !== undefined);
  for (const text of wrong) out(`FOUND ${text}`);
  return wrong.length > 0 ? 1 : 0;
}
