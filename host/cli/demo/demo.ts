/** `lastack demo`: chooses the wires, runs the scenario on each, draws or prints it, and says whether the promise was kept. */
import { parse } from "node:path";
import { Interrupt } from "../interrupt.ts";
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK } from "../usage.ts";
import { Chart, type Paint, painter } from "./chart.ts";
import { runOnMemory } from "./memory-wire.ts";
import { insideNamespace, namespaceObstacle, raiseLoopback, runInNamespace } from "./namespace.ts";
import { nodeObstacle, runOnNode } from "./node-wire.ts";
import { DEMO_HELP, type DemoOptions, parseDemoOptions } from "./options.ts";
import { reportLines } from "./report-text.ts";
import type { WireRun } from "./run.ts";
import { scenarios } from "./scenarios.ts";
import type { Side, Step } from "./steps.ts";
import { runOnTap } from "./tap-wire.ts";

const OWN_TAP = "lastack0";

/** A run that is to be made. */
interface Plan {
  /** For the title and the capture's name: `memory`, `tap-client`. */
  readonly name: string;
  readonly title: string;
  readonly columns: readonly [client: string, server: string];
  /** Its segments are seen, and can be recorded. */
  readonly records: boolean;
  run(pcap: string | undefined, signal: AbortSignal, onStep: (step: Step) => void): Promise<WireRun>;
}

interface Skipped {
  readonly wire: "node" | "tap";
  readonly reason: string;
}

function memoryPlan({ scenario, loss, seed }: DemoOptions): Plan {
  const conditions = loss > 0 ? `, ${loss * 100} % loss, seed ${seed}` : "";
  return {
    name: "memory",
    title: `memory link, virtual clock${conditions}`,
    columns: ["client (Lastack)", "server (Lastack)"],
    records: true,
    run: (pcap, signal, onStep) => runOnMemory({ scenario, loss, seed, pcap, signal }, onStep),
  };
}

function nodePlan({ scenario, seed }: DemoOptions, lastack: Side): Plan {
  return {
    name: `node-${lastack}`,
    title: `host sockets, Lastack is the ${lastack}, a plain node:net program the ${lastack === "client" ? "server" : "client"}`,
    columns: lastack === "client" ? ["client (Lastack)", "server (node:net)"] : ["client (node:net)", "server (Lastack)"],
    records: false,
    run: (_pcap, signal, onStep) => runOnNode({ scenario, loss: 0, seed, pcap: undefined, signal, lastack }, onStep),
  };
}

function tapPlan({ scenario, seed, tap }: DemoOptions, lastack: Side): Plan {
  return {
    name: `tap-${lastack}`,
    title: `TAP ${tap ?? OWN_TAP}, Lastack is the ${lastack}, the kernel the ${lastack === "client" ? "server" : "client"}`,
    columns: lastack === "client" ? ["client (Lastack)", "server (kernel)"] : ["client (kernel)", "server (Lastack)"],
    records: true,
    run: (pcap, signal, onStep) =>
      runOnTap({ scenario, loss: 0, seed, pcap, signal, lastack, tapName: tap ?? OWN_TAP, configure: tap === undefined }, onStep),
  };
}

/** `demo.pcapng` for several wires: `demo-memory.pcapng`, `demo-tap-client.pcapng`. */
function captureName(file: string | undefined, plan: Plan, several: boolean): string | undefined {
  if (file === undefined || !plan.records) return undefined;
  if (!several) return file;
  const { dir, name, ext } = parse(file);
  return `${dir === "" ? "" : `${dir}/`}${name}-${plan.name}${ext}`;
}

/** Runs the demonstration; settles with the exit code. */
export async function demo(args: readonly string[]): Promise<number> {
  const options = parseDemoOptions(args);
  if (options.help) {
    process.stdout.write(DEMO_HELP);
    return EXIT_OK;
  }
  const ownTap = options.tap === undefined && (options.link ?? "tap") === "tap" && !insideNamespace() && options.loss === 0;
  const obstacle = ownTap ? namespaceObstacle() : undefined;
  if (ownTap && obstacle === undefined) return runInNamespace(["demo", ...args]);
  if (obstacle !== undefined && options.link === "tap") {
    console.error(`lastack demo: ${obstacle}; or use --link memory`);
    return EXIT_FAILED;
  }
  const { link } = options;
  const noNode = nodeObstacle(options.scenario);
  if (link === "node" && noNode !== undefined) {
    console.error(`lastack demo: ${noNode}; or use --link memory`);
    return EXIT_FAILED;
  }
  const skipped: Skipped[] = [];
  if (link === undefined && options.loss === 0 && noNode !== undefined) skipped.push({ wire: "node", reason: noNode });
  if (obstacle !== undefined) skipped.push({ wire: "tap", reason: obstacle });
  return perform(options, await plansFor(options, noNode === undefined), skipped);
}

async function plansFor(options: DemoOptions, onNode: boolean): Promise<Plan[]> {
  const { link, loss } = options;
  const plans: Plan[] = [];
  if (link === undefined || link === "memory") plans.push(memoryPlan(options));
  if (link === undefined && insideNamespace()) await raiseLoopback();
  if (link === "node" || (link === undefined && loss === 0 && onNode)) plans.push(nodePlan(options, "client"), nodePlan(options, "server"));
  if (link === "tap" || (link === undefined && insideNamespace())) plans.push(tapPlan(options, "client"), tapPlan(options, "server"));
  return plans;
}

async function perform(options: DemoOptions, plans: readonly Plan[], skipped: readonly Skipped[]): Promise<number> {
  const interrupt = new Interrupt();
  const signal = interrupt.gentle;
  interrupt.hard.addEventListener("abort", () => process.exit(EXIT_INTERRUPTED));
  const screen = options.json ? undefined : new Screen();
  const runs: WireRun[] = [];
  try {
    for (const plan of plans) {
      if (signal.aborted) break;
      const pcap = captureName(options.pcap, plan, plans.length > 1);
      screen?.begin(options, plan);
      const run = await plan.run(pcap, signal, (step) => screen?.step(step));
      screen?.end(run, pcap);
      runs.push(run);
    }
  } finally {
    interrupt[Symbol.dispose]();
  }
  const kept = runs.length === plans.length && runs.every((run) => run.problems.length === 0);
  if (options.json) console.log(JSON.stringify({ scenario: options.scenario, kept, wires: runs, skipped }, null, 2));
  else screen?.close(options, kept, skipped);
  return signal.aborted ? EXIT_INTERRUPTED : kept ? EXIT_OK : EXIT_FAILED;
}

/** The text on the terminal. */
class Screen {
  readonly #paint: Paint;
  #chart: Chart | undefined;

  constructor() {
    // https://no-color.org: any value but the empty one turns colours off.
    this.#paint = painter(process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb");
  }

  begin({ scenario }: DemoOptions, plan: Plan): void {
    console.log(this.#paint("bold", `${scenario}: ${scenarios[scenario].about}`));
    console.log(`${plan.title}\n`);
    this.#chart = new Chart((line) => console.log(line), this.#paint, plan.records);
    this.#chart.head(...plan.columns);
  }

  step(step: Step): void {
    this.#chart?.step(step);
  }

  end(run: WireRun, pcap: string | undefined): void {
    this.#chart?.flush();
    console.log();
    for (const side of ["client", "server"] as const) for (const line of reportLines(side, run[side])) console.log(line);
    for (const problem of run.problems) console.log(this.#paint("bad", `promise broken: ${problem}`));
    if (run.problems.length === 0) console.log(this.#paint("good", "promise kept"));
    if (pcap !== undefined) console.log(`recorded: ${pcap}`);
    console.log();
  }

  close({ link }: DemoOptions, kept: boolean, skipped: readonly Skipped[]): void {
    if (link === undefined) for (const { wire, reason } of skipped) console.log(this.#paint("faint", `not shown on ${wire === "tap" ? "TAP" : "host sockets"}: ${reason}`));
    if (!kept) console.log(this.#paint("bad", "not everything the scenario promises happened"));
  }
}
