/** The six steps over wires that lose, delay, reorder and double frames, with turns in random order: npm run semantics -- --seeds N. */
import { WSAEHOSTUNREACH } from "../../host/abi/errors.gen.ts";
import { SeededRandom } from "../../host/base/random.ts";
import { Check } from "./check.ts";
import { B, type Connected, hosts, type HostsOptions, PORT, portOf, target } from "./support/hosts.ts";
import { SixSteps } from "./support/sixsteps.ts";
import { readRows } from "./table.ts";

export interface SeedsResult {
  readonly seeds: number;
  /** What did not hold, by seed. */
  readonly broken: string[];
  /** Segments sent, and those the wires lost. */
  readonly segments: number;
  readonly lost: number;
}

/** The orders every run must have: numbers are steps, 4' is the server's closesocket, 5' the client's last read. */
const ORDERS = [["1", "2", "3", "4", "5", "6"], ["4", "4'"], ["5'", "5"]] as const;

/** Runs the six steps once per seed, client and server initiating in turn. */
export async function runSeeds(first: number, seeds: number): Promise<SeedsResult> {
  const row = readRows().find(({ id }) => id === "T-09");
  if (!row) throw new Error("rows.tsv has no T-09");
  const broken: string[] = [];
  let segments = 0;
  let lost = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const random = new SeededRandom(seed);
    const delayMs = random.float() * 30;
    const link = { delayMs, jitterMs: delayMs, loss: random.float() * 0.06, reorder: random.float() * 0.2, duplicate: random.float() * 0.1 };
    const p = await patiently(new Check(row), { link, seed });
    const pace = 40 + random.float() * 80;
    const run = new SixSteps(p, { swapped: seed % 2 === 0, pause: () => random.float() * pace, clientsTurn: () => random.float() < 0.5 }).run();
    for (const order of ORDERS) if (run.order(...order) !== order.join("<")) broken.push(`seed ${seed}: ${run.order(...order)}`);
    if (run.received("client") !== "all" || run.received("server") !== "all") broken.push(`seed ${seed}: bytes missing`);
    if (Object.entries(run.codes).some(([step, code]) => code !== (step === "send" ? 10058 : 0))) broken.push(`seed ${seed}: ${JSON.stringify(run.codes)}`);
    segments += p.log.segments.length;
    lost += p.log.segments.filter(({ due }) => due === Number.POSITIVE_INFINITY).length;
  }
  return { seeds, broken, segments, lost };
}

/** A connection over a wire on which the handshake, too, needs its retransmissions. */
async function patiently(check: Check, options: HostsOptions): Promise<Connected> {
  const made = await hosts(check, options);
  const { a, b } = made;
  const listener = b.listener(PORT);
  const s = a.socket();
  // Address resolution gives up earlier than TCP does: its failure is the attempt's, and the program tries again.
  while (a.until(() => a.connect(s, B, PORT)) === WSAEHOSTUNREACH) made.run(1000);
  const t = b.until(() => b.accept(listener));
  return Object.assign(made, { s, t, listener, port: portOf(a, s) });
}

async function main(args: readonly string[]): Promise<number> {
  const seeds = Number(args[args.indexOf("--seeds") + 1]);
  if (!Number.isInteger(seeds) || seeds < 1) throw new Error("--seeds wants a number of runs");
  const build = args.indexOf("--build");
  if (build >= 0) target.build = args[build + 1] ?? "";
  const { broken, segments, lost } = await runSeeds(1, seeds);
  for (const line of broken) console.log(line);
  console.log(`six steps: ${seeds} seeds, ${seeds - new Set(broken.map((line) => line.split(":")[0])).size} in order 1<2<3<4<5<6, 4<4', 5'<5; ${segments} segments, ${lost} lost`);
  return broken.length > 0 ? 1 : 0;
}

if (process.argv.includes("--seeds")) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    console.error(`semantics: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
