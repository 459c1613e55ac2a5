/** What a demonstration run observes, in order: calls, network events, segments, TCP states. */
import { type Clock, NS_PER_MS } from "../../base/clock.ts";

export type Side = "client" | "server";

export interface CallStep {
  readonly atMs: number;
  readonly kind: "call";
  readonly side: Side;
  /** `WSPShutdown(SD_SEND)`. */
  readonly call: string;
  /** What it answered: `0`, `17`, `WSAEWOULDBLOCK`. */
  readonly result: string;
  /** Number of the step in the table of the graceful close (semantics T.1), when it is one. */
  readonly step?: string;
}

export interface EventStep {
  readonly atMs: number;
  readonly kind: "event";
  readonly side: Side;
  /** `FD_CLOSE`; what a kernel's program saw is named as Node names it: `end`. */
  readonly event: string;
  /** Winsock error that came with it, 0 if none. */
  readonly error: number;
  readonly step?: string;
}

export interface SegmentStep {
  readonly atMs: number;
  readonly kind: "segment";
  readonly from: Side;
  /** `SYN,ACK`. */
  readonly flags: string;
  /** Relative to the initial sequence number of its direction, as tshark counts. */
  readonly seq: number;
  /** Relative to the other direction's; 0 without the ACK flag. */
  readonly ack: number;
  readonly length: number;
  /** The wire lost it. */
  readonly lost: boolean;
  /** It stands in the recording: the recorder sits at the device of the client, or of Lastack on TAP. */
  readonly recorded: boolean;
}

export interface StateStep {
  readonly atMs: number;
  readonly kind: "state";
  readonly side: Side;
  /** As RFC 9293 names it. */
  readonly state: string;
}

export type Step = CallStep | EventStep | SegmentStep | StateStep;
type Timeless<T> = T extends Step ? Omit<T, "atMs"> : never;

/** Collects the steps of one run and hands each on as it happens. */
export class Steps {
  readonly all: Step[] = [];
  readonly #clock: Clock;
  readonly #start: number;
  readonly #onStep: (step: Step) => void;

  constructor(clock: Clock, onStep: (step: Step) => void) {
    this.#clock = clock;
    this.#start = clock.now();
    this.#onStep = onStep;
  }

  add(step: Timeless<Step>): void {
    const atMs = Math.round((this.#clock.now() - this.#start) / (NS_PER_MS / 1000)) / 1000;
    const whole = { atMs, ...step } as Step;
    this.all.push(whole);
    this.#onStep(whole);
  }
}
