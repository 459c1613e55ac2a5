/**
 * A scenario over the operating system's own sockets: Lastack uses them through Node, the other side is a plain node:net program
 * that knows nothing of it. Real time, Lastack in either role, no privileges.
 */
import { systemClock } from "../../index.ts";
import { playAgainst } from "./against-kernel.ts";
import type { KernelPeer } from "./kernel-peer.ts";
import { hasKoffi } from "./namespace.ts";
import { Program } from "./program.ts";
import { judged, type RunOptions, type WireRun } from "./run.ts";
import { type ScenarioName, scenarios } from "./scenarios.ts";
import { type Side, type Step, Steps } from "./steps.ts";

/** The system chooses the port. */
const LOCAL = { address: "127.0.0.1", port: 0 };
const LIMITS = { receiveBuffer: 65536, hostArea: 2 << 20, maxSockets: 16 };
/** The kernel shows its states when it is asked: often enough that a chart has those that last. */
const SAMPLE_MS = 2;

/** Why a scenario cannot be shown on host sockets here; undefined when it can. */
export function nodeObstacle(scenario: ScenarioName): string | undefined {
  // N-18: who knows nothing of acknowledgements does not reset what may have been delivered.
  if (scenario !== "linger-expires" || hasKoffi()) return undefined;
  return 'without the optional package koffi nobody knows whether the peer has everything, so a linger that expires does not reset: "npm install koffi"';
}

export interface NodeRunOptions extends RunOptions {
  readonly lastack: Side;
}

export async function runOnNode(options: NodeRunOptions, onStep: (step: Step) => void): Promise<WireRun> {
  const scenario = scenarios[options.scenario];
  const { lastack } = options;
  const steps = new Steps(systemClock, onStep);
  const program = await Program.start(lastack, steps, { hostSockets: true, limits: LIMITS });
  const sampling = setInterval(() => program.sample(), SAMPLE_MS);
  const peers: KernelPeer[] = [];
  const initiator: Side = scenario.initiator === "client" ? "client" : lastack;
  try {
    const played = await playAgainst({ ...options, initiator, ends: { kernel: LOCAL, lastack: LOCAL } }, program, steps, peers);
    return { ...judged("node", scenario, initiator, played, steps.all, lastack), counters: { [lastack]: program.counters } };
  } finally {
    clearInterval(sampling);
    for (const peer of peers) peer.stop();
    program.stop();
  }
}
