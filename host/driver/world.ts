/** Several stacks and links on one virtual clock: every run with the same seeds is the same run. */
import { NS_PER_MS, VirtualClock } from "../base/clock.ts";
import { SeededRandom } from "../base/random.ts";
import type { Core } from "../core/core.ts";
import type { FdTable } from "../wasi/fds.ts";
import { Driver, type DriverListener } from "./driver.ts";
import type { Runtime } from "./runtime.ts";

/** What a World begins with. */
export interface WorldOptions {
  /** Default: a new clock at 0. Links and switches of this world are given the same one. */
  clock?: VirtualClock;
  /** Seeds `random`, from which the stacks draw. Default 1. */
  seed?: number;
  /** Steps one run may take before it is called endless. Default 10,000,000. */
  stepLimit?: number;
  /** Polls at one instant of virtual time before it is called endless. Default 1,000,000. */
  pollLimit?: number;
}

/** A run that does not end; the message says who wants what. */
export class EndlessRunError extends Error {
  override readonly name = "EndlessRunError";
}

/** After all microtasks that are there now, and those they make. */
function afterMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

/**
 * Virtual time for stacks and links: nothing happens, and no promise of the API settles, unless one of the calls below runs it.
 * Links and switches need its clock.
 * @example
 * const world = new World({ seed: 7 });
 * const { a, b } = memoryLink({ clock: world.clock, delayMs: 50, loss: 0.05 });
 * const left = await createStack({ runtime: world, devices: [a], addresses: ["10.0.0.1/24"] });
 * const report = await world.settle(program(left)); // runs until the promise settles; not: await program(left)
 */
export class World implements Runtime {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly #stepLimit: number;
  readonly #pollLimit: number;
  #drivers: Driver[] = [];
  /** Drivers that want a poll, in the order in which they asked. */
  #ready: Driver[] = [];
  #instant = -1;
  #pollsAtInstant = 0;
  #count = 0;

  constructor(options: WorldOptions = {}) {
    this.clock = options.clock ?? new VirtualClock();
    this.random = new SeededRandom(options.seed ?? 1);
    this.#stepLimit = options.stepLimit ?? 10_000_000;
    this.#pollLimit = options.pollLimit ?? 1_000_000;
  }

  /** Virtual milliseconds since the clock's start. */
  get nowMs(): number {
    return this.clock.now() / NS_PER_MS;
  }

  attach(core: Core, fds: FdTable, listener: DriverListener, name: string = `stack ${++this.#count}`): Driver {
    const driver = new Driver(core, fds, listener, this.clock, (which) => this.#ready.push(which), name);
    this.#drivers = [...this.#drivers.filter((other) => !other.closed), driver];
    driver.kick();
    return driver;
  }

  /**
   * Does the next thing: polls every core that wants it now, or else moves the clock to the next deadline and delivers what
   * is due. Returns false when there is nothing left to do at any time.
   * @param limitNs Deadlines later than this are left alone, and count as nothing to do.
   */
  step(limitNs: number = Number.POSITIVE_INFINITY): boolean {
    if (this.#ready.length > 0) {
      this.#pollReady();
      return true;
    }
    const next = this.clock.nextDeadline();
    if (next === undefined || next > limitNs) return false;
    this.clock.advanceTo(next);
    return true;
  }

  /**
   * Runs until virtual time `untilMs` (since the clock's start); everything due by then is done, and the clock ends there.
   * Without a limit: until nothing is left to do, idle timers such as TIME_WAIT included.
   * @throws EndlessRunError past the step or poll limit.
   */
  run(untilMs: number = Number.POSITIVE_INFINITY): void {
    const limit = untilMs * NS_PER_MS;
    let steps = 0;
    while (this.step(limit)) this.#bound(++steps);
    if (Number.isFinite(limit)) this.clock.advanceTo(limit);
  }

  /** Runs for `ms` more virtual milliseconds. */
  runFor(ms: number): void {
    this.run(this.nowMs + ms);
  }

  /** Runs until `done()` holds. Returns false if nothing is left to do, or `withinMs` virtual ms have passed, before that. */
  runUntil(done: () => boolean, withinMs: number = Number.POSITIVE_INFINITY): boolean {
    const limit = this.clock.now() + withinMs * NS_PER_MS;
    for (let steps = 0; !done(); this.#bound(++steps)) if (!this.step(limit)) return done();
    return true;
  }

  /**
   * Runs until a promise settles, giving microtasks their turn between the steps: for code that awaits the promise API.
   * @throws what the promise rejects with; EndlessRunError when nothing is left that could settle it, or after `withinMs`.
   */
  async settle<T>(promise: PromiseLike<T>, withinMs: number = Number.POSITIVE_INFINITY): Promise<T> {
    const limit = this.clock.now() + withinMs * NS_PER_MS;
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    for (let steps = 0; ; this.#bound(++steps)) {
      await afterMicrotasks();
      if (settled) return promise;
      if (this.step(limit)) continue;
      const within = Number.isFinite(withinMs) ? ` within ${withinMs} ms` : "";
      throw new EndlessRunError(`nothing is left to do${within} and the promise has not settled; ${this.describe()}`);
    }
  }

  /** Who wants what, in one line. */
  describe(): string {
    const drivers = this.#drivers.filter((driver) => !driver.closed).map((driver) => {
      const due = driver.nextDeadline();
      const wants = driver.pending ? "wants a poll now" : due === undefined ? "idle" : `wants a poll at ${due / NS_PER_MS} ms`;
      return `${driver.name}: ${wants} after ${driver.polls} polls`;
    });
    const next = this.clock.nextDeadline();
    return [`time ${this.nowMs} ms`, next === undefined ? "no deadline" : `next deadline ${next / NS_PER_MS} ms`, ...drivers].join("; ");
  }

  #pollReady(): void {
    const ready = this.#ready;
    this.#ready = [];
    if (this.#instant !== this.clock.now()) {
      this.#instant = this.clock.now();
      this.#pollsAtInstant = 0;
    }
    this.#pollsAtInstant += ready.length;
    if (this.#pollsAtInstant > this.#pollLimit) {
      throw new EndlessRunError(`more than ${this.#pollLimit} polls without time passing; ${this.describe()}`);
    }
    for (const driver of ready) driver.pollNow();
  }

  #bound(steps: number): void {
    if (steps > this.#stepLimit) throw new EndlessRunError(`more than ${this.#stepLimit} steps in one run; ${this.describe()}`);
  }
}
