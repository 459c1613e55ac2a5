/** Runs a scenario in virtual time and checks the model at every step. */
import { NS_PER_MS } from "../../host/base/clock.ts";
import { frameSwitch, type PcapngRecorder, pcapng, traceLine } from "../../host/device/index.ts";
import { World } from "../../host/driver/index.ts";
import { Spi } from "../host/support/spi.ts";
import { Actions } from "./actions.ts";
import { Cable } from "./cable.ts";
import { judgeEnd, judgeIdle, takeReports } from "./judge.ts";
import { Overlapped } from "./overlapped.ts";
import { type Scenario, SLOTS } from "./program.ts";
import { freeSlot, type Station } from "./station.ts";
import { Wire } from "./wire.ts";

export interface RunOptions {
  readonly module: WebAssembly.Module;
  /** Records what station 0 sends and takes. */
  readonly pcap?: string;
  /** Told of every step and every frame. */
  readonly trace?: (line: string) => void;
}

export interface RunResult {
  /** The first thing that was wrong; undefined = nothing was. */
  readonly failure: string | undefined;
  readonly steps: number;
  readonly segments: number;
  readonly connections: number;
  readonly closes: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Overlapped operations by kind and end. */
  readonly operations: Readonly<Record<string, number>>;
  readonly virtualMs: number;
}

/** Time limits short enough that a run may wait for all of them. */
const LIMITS = { orphanFinWait2Ms: 6_000, timeWaitMs: 3_000, userTimeoutMs: 20_000, keepIdleMs: 4_000, keepIntervalMs: 500, keepCount: 3, synRetries: 3 };
/** Longest a run waits for its end, virtual ms. */
const END_MS = 900_000;
/** Frames that a stack may send within one virtual ms: far beyond what programs of a few sockets give cause for. */
const STORM = 20_000;
/** Slots for overlapped operations of each stack. */
const OPERATIONS = 40;
const WAITS_MS = [0, 1, 3, 20, 50, 50, 200, 500, 2_000, 12_000] as const;

class Run {
  readonly #scenario: Scenario;
  readonly #options: RunOptions;
  readonly #world: World;
  readonly #stations: Station[] = [];
  readonly #recorders: PcapngRecorder[] = [];
  readonly #wire: Wire;
  failure: string | undefined;
  steps = 0;

  constructor(scenario: Scenario, options: RunOptions) {
    this.#scenario = scenario;
    this.#options = options;
    this.#world = new World({ seed: scenario.seed, stepLimit: 3_000_000, pollLimit: 20_000 });
    this.#wire = new Wire((what) => this.#fail(what));
    const { stations: ports, mtu, delayMs, jitterMs, loss, reorder, duplicate, corrupt, rateBitsPerSecond, queueFrames } = scenario;
    const fabric = frameSwitch({
      ports, mtu, delayMs, jitterMs, loss: loss / 2, reorder, duplicate, corrupt, rateBitsPerSecond, queueFrames, clock: this.#world.clock, seed: scenario.seed,
    });
    for (let i = 0; i < ports; i++) this.#stations.push(this.#station(i, fabric.port(i)));
  }

  #station(index: number, port: ReturnType<ReturnType<typeof frameSwitch>["port"]>): Station {
    const { sendBuffer, recvBuffer, timeOrigin, features, orphanTimeoutMs } = this.#scenario;
    let device: ConstructorParameters<typeof Cable>[0] = port;
    if (index === 0 && this.#options.pcap) {
      const recorder = pcapng(port, this.#options.pcap, { clock: this.#world.clock });
      this.#recorders.push(recorder);
      device = recorder;
    }
    const { trace } = this.#options;
    const show = (what: string, frame: Uint8Array): void => trace?.(`${this.#world.nowMs.toFixed(3)} ${index} ${what} ${traceLine(frame)}`);
    const within = { ms: -1, frames: 0 };
    const storm = (): void => {
      if (within.ms !== this.#world.nowMs) Object.assign(within, { ms: this.#world.nowMs, frames: 0 });
      if (++within.frames === STORM) this.#fail(`station ${index} sends ${STORM} frames in one ms`);
    };
    const cable = new Cable(device, {
      sent: (frame) => { if (trace) show(">", frame); storm(); this.#wire.sent(frame); },
      arrived: (frame) => { if (trace) show("<", frame); this.#wire.arrived(frame); },
    });
    const address = `10.0.0.${index + 1}`;
    const spi = new Spi(this.#options.module, this.#world, cable, `${address}/24`, {
      ...LIMITS, maxSockets: 64, maxConnections: 96, sendBuffer, recvBuffer, timeOrigin, features, orphanTimeoutMs, mtuMax: 1500, neighbors: 8,
      hostArea: 1 << 18, operations: OPERATIONS,
    });
    if (spi.startup() !== 0) throw new Error("WSPStartup failed");
    const slots = Array.from({ length: SLOTS }, freeSlot);
    return {
      index, spi, cable, address, number: 0x0a000001 + index, slots, closed: new Map(), seen: 0,
      overlapped: new Overlapped(spi, (what) => this.#fail(`station ${index}: ${what}`)),
      listenerOptions: (slot, listener) => {
        const from = slots.find(({ handle, kind }) => kind === "listener" && handle === listener);
        if (from) Object.assign(slot, { blocking: from.blocking, lingerMs: from.lingerMs });
      },
    };
  }

  #fail(what: string): void {
    this.failure ??= `at ${this.#world.nowMs} ms, step ${this.steps}: ${what}`;
  }

  #check(): void {
    for (const station of this.#stations) {
      station.overlapped.look();
      takeReports(station, (what) => this.#fail(what));
      judgeIdle(station, (what) => this.#fail(what));
    }
  }

  /** Lets `ms` pass, looking at the stacks after every single thing that happens. */
  #pass(ms: number): void {
    const until = (this.#world.nowMs + ms) * NS_PER_MS;
    while (!this.failure && this.#world.step(until)) this.#check();
    this.#world.run(until / NS_PER_MS);
  }

  run(): void {
    const actions = new Actions(this.#stations, this.#wire, (what) => this.#fail(what));
    const before = this.#stations.map((station) => ({ ...station.spi.core.stats() }));
    const { trace } = this.#options;
    for (const step of this.#scenario.steps) {
      const done = actions.run(step);
      if (trace && done) trace(`${this.#world.nowMs.toFixed(3)} ${step.at % this.#stations.length} * ${done}`);
      this.#pass(step.kind === "run" ? (WAITS_MS[step.n % WAITS_MS.length] as number) : step.m & 1);
      this.steps++;
      this.#check();
      if (this.failure) return;
    }
    this.#end(actions, before);
  }

  /** Everything is closed, time passes, and everything must be as it was. */
  #end(actions: Actions, before: readonly Readonly<Record<string, number>>[]): void {
    const { trace } = this.#options;
    for (const station of this.#stations) {
      station.cable.pulled = false;
      for (const [k, slot] of station.slots.entries()) {
        if (slot.kind === "free") continue;
        station.spi.as(k + 1);
        if (!slot.blocking && slot.lingerMs > 0 && station.spi.setLinger(slot.handle, 0, 0) === 0) slot.lingerMs = -1;
        const done = actions.close(station, slot);
        if (trace) trace(`${this.#world.nowMs.toFixed(3)} ${station.index} * ${done}`);
      }
    }
    const limit = this.#world.nowMs + END_MS;
    const settled = (): boolean => this.#stations.every(({ spi, closed }) => spi.reports.length === closed.size && spi.core.stats().tcpCurrent === 0);
    while (!this.failure && this.#world.nowMs < limit && !settled()) {
      this.#pass(1_000);
      for (const station of this.#stations) actions.serve(station);
    }
    // The idle deadlines that give buffers back.
    this.#pass(60_000);
    for (const { overlapped } of this.#stations) overlapped.atEnd(OPERATIONS);
    for (const [i, station] of this.#stations.entries()) judgeEnd(station, before[i] as Readonly<Record<string, number>>, (what) => this.#fail(what));
  }

  finish(): RunResult {
    for (const recorder of this.#recorders) recorder.close();
    const outcomes: Record<string, number> = {};
    const operations: Record<string, number> = {};
    for (const { spi, overlapped } of this.#stations) {
      for (const { outcome } of spi.reports) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      for (const [how, n] of Object.entries(overlapped.ends)) operations[how] = (operations[how] ?? 0) + n;
    }
    return {
      failure: this.failure, steps: this.steps, segments: this.#wire.segments, connections: this.#wire.connections.size,
      closes: this.#stations.reduce((sum, { closed }) => sum + closed.size, 0), outcomes, operations, virtualMs: this.#world.nowMs,
    };
  }

  trapped(error: unknown): void {
    this.#fail(error instanceof WebAssembly.RuntimeError ? `trap: ${error.stack}` : String(error));
  }
}

/** Runs a scenario. Nothing is thrown for what the stacks do wrong: it is in the result. */
export function runScenario(scenario: Scenario, options: RunOptions): RunResult {
  const run = new Run(scenario, options);
  try {
    run.run();
  } catch (error) {
    run.trapped(error);
  }
  return run.finish();
}
