/** One run of a scenario over one wire: what it came to, and whether that is what the scenario promises. */
import type { CloseReport } from "../../api/raw.ts";
import type { CoreStats } from "../../index.ts";
import { type Expectation, type Meet, type Result, type Scenario, type ScenarioName, scenarios } from "./scenarios.ts";
import type { Side, Step } from "./steps.ts";

export const PORT = 7777;

/** What a program on a kernel's socket can say of its connection. */
export interface Observed {
  /** Bytes received. */
  readonly bytes: number;
  /** It saw the peer's FIN. */
  readonly end: boolean;
  /** `ECONNRESET`, null if there was no error. */
  readonly error: string | null;
}

/** A side on Lastack has a report, one on a kernel's socket what it observed; null when the run broke off before. */
export type SideResult = { readonly report: CloseReport | null } | { readonly observed: Observed | null };

export interface WireRun {
  /** `node` is the operating system's sockets through Node. */
  readonly wire: "memory" | "node" | "tap";
  /** On node and TAP: the side that Lastack was; the other one is a plain program on the kernel's sockets. */
  readonly lastack?: Side;
  readonly steps: readonly Step[];
  readonly client: SideResult;
  readonly server: SideResult;
  /** Of each side that is Lastack: its stack's counters at the end. */
  readonly counters: Readonly<Partial<Record<Side, CoreStats>>>;
  /** Why the promise was not kept; empty when it was. */
  readonly problems: readonly string[];
}

/** A run as it is judged, before the stacks are asked for their counters. */
export type Judged = Omit<WireRun, "counters">;

/** What the two sides came to, before it is judged. */
export interface Played {
  readonly client?: Result | Observed;
  readonly server?: Result | Observed;
  /** Why the run broke off. */
  readonly failure?: string;
}

export interface RunOptions {
  readonly scenario: ScenarioName;
  /** Probability 0 to below 1. */
  readonly loss: number;
  readonly seed: number;
  /** Where the capture goes. */
  readonly pcap: string | undefined;
  /** Breaks the run off. */
  readonly signal: AbortSignal;
}

const isResult = (one: Result | Observed): one is Result => "report" in one;

function sideResult(one: Result | Observed | undefined, foreign: boolean): SideResult {
  if (foreign) return { observed: one && !isResult(one) ? one : null };
  return { report: one && isResult(one) ? one.report : null };
}

/** Makes the run's record and judges it. `initiator` is the side that closed first. */
export function judged(
  wire: WireRun["wire"], scenario: Scenario, initiator: Side, played: Played, steps: readonly Step[], lastack?: Side,
): Judged {
  const problems = played.failure === undefined ? [] : [played.failure];
  const responder: Side = initiator === "client" ? "server" : "client";
  const expected = (expectation: Expectation): Expectation => (wire === "node" ? onHostSockets(expectation) : expectation);
  problems.push(...judgeSide(initiator, expected(scenario.expect.initiator), played[initiator], scenario.sends.responder));
  problems.push(...judgeSide(responder, expected(scenario.expect.responder), played[responder], scenario.sends.initiator));
  // The segments of the kernel's own connections are not seen here.
  if (played.failure === undefined && wire !== "node") problems.push(...judgeWire(scenario, steps));
  const foreign = (side: Side): boolean => lastack !== undefined && lastack !== side;
  return {
    wire,
    ...(lastack && { lastack }),
    steps,
    client: sideResult(played.client, foreign("client")),
    server: sideResult(played.server, foreign("server")),
    problems,
  };
}

/** A host socket that cannot tell says `unknown` where it would be `graceful` (semantics N-18): that is no broken promise. */
function onHostSockets(expected: Expectation): Expectation {
  return expected.outcomes.includes("graceful") ? { ...expected, outcomes: [...expected.outcomes, "unknown"] } : expected;
}

function judgeSide(side: Side, expected: Expectation, one: Result | Observed | undefined, sent: Uint8Array): string[] {
  if (!one) return [];
  return isResult(one) ? judgeReport(side, expected, one, sent) : judgeObserved(side, expected, one, sent);
}

function judgeReport(side: Side, expected: Expectation, { report, received, intact }: Result, sent: Uint8Array): string[] {
  const problems: string[] = [];
  if (!expected.outcomes.includes(report.outcome)) problems.push(`the ${side}'s report says ${report.outcome}, not ${expected.outcomes.join(" or ")}`);
  if (expected.cause && report.cause !== expected.cause) problems.push(`the ${side}'s report names the cause ${report.cause}, not ${expected.cause}`);
  if (expected.all && received !== sent.length) problems.push(`the ${side} received ${received} of ${sent.length} bytes`);
  if (!intact) problems.push(`the ${side} received other bytes than were sent`);
  return problems;
}

/** A kernel's program sees a clean end where Lastack would report `graceful`, and a reset where it would report one. */
function judgeObserved(side: Side, expected: Expectation, observed: Observed, sent: Uint8Array): string[] {
  const problems: string[] = [];
  const clean = expected.outcomes.includes("graceful");
  if (clean && !observed.end) problems.push(`the ${side} (kernel) saw no end`);
  if (clean && observed.error) problems.push(`the ${side} (kernel) saw ${observed.error}`);
  if (!clean && observed.error !== "ECONNRESET") problems.push(`the ${side} (kernel) saw ${observed.error ?? "no error"}, not ECONNRESET`);
  if (expected.all && observed.bytes !== sent.length) problems.push(`the ${side} (kernel) received ${observed.bytes} of ${sent.length} bytes`);
  return problems;
}

function judgeWire(scenario: Scenario, steps: readonly Step[]): string[] {
  const seen = (flag: string, side?: Side): boolean =>
    steps.some((step) => step.kind === "segment" && step.flags.split(",").includes(flag) && (!side || step.from === side));
  if (scenario.wire === "reset") return seen("RST") ? [] : ["no RST was seen on the wire"];
  const problems = (["client", "server"] as const).filter((side) => !seen("FIN", side)).map((side) => `no FIN of the ${side} was seen on the wire`);
  if (seen("RST")) problems.push("a RST was seen on the wire");
  if (scenario === scenarios.simultaneous) problems.push(...judgeCrossing(steps));
  return problems;
}

/** Without loss on a link that takes time both sides have to pass through CLOSING (RFC 9293 §3.6, case 3). */
function judgeCrossing(steps: readonly Step[]): string[] {
  const states = steps.filter((step) => step.kind === "state");
  const lossless = !steps.some((step) => step.kind === "segment" && step.lost);
  const sides = new Set(states.map((step) => step.side));
  if (!lossless || sides.size < 2) return [];
  return [...sides].filter((side) => !states.some((step) => step.side === side && step.state === "CLOSING"))
    .map((side) => `the ${side} did not pass through CLOSING`);
}

/** Settles for everybody when as many as expected have come. */
export function meeting(sides = 2): Meet {
  let coming = sides;
  let open = (): void => {};
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    if (--coming === 0) open();
    return all;
  };
}

