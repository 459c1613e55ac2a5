/** Where stacks run: the clock, the randomness and the scheduling they share. Real time here, virtual time in world.ts. */
import { type Clock, systemClock } from "../base/clock.ts";
import { type RandomSource, systemRandom } from "../base/random.ts";
import type { Core } from "../core/core.ts";
import type { FdTable } from "../wasi/fds.ts";
import { Driver, type DriverListener, type Schedule } from "./driver.ts";

export interface Runtime {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Starts polling a core; its first poll is scheduled at once. End it with the driver's close(). */
  attach(core: Core, fds: FdTable, listener: DriverListener, name?: string): Driver;
}

/** A chain of microtasks alone would starve timers and input: after so many polls the event loop gets its turn, if so much time has passed. */
const POLLS_PER_TURN = 64;
const TURN_MS = 1;
/** Polls in one chain that share a look at the clock. */
const POLLS_PER_LOOK = 4;

/** setImmediate where there is one; else a message to ourselves, which browsers deliver as a task. */
function makeTask(): (run: () => void) => void {
  if (typeof setImmediate === "function") return (run) => void setImmediate(run);
  const { port1, port2 } = new MessageChannel();
  const queue: (() => void)[] = [];
  port1.onmessage = () => queue.shift()?.();
  return (run) => {
    queue.push(run);
    port2.postMessage(0);
  };
}

/**
 * Polls from a microtask, so that all kicks of one turn make one poll and its answer comes in the same turn: stacks that wake each
 * other over a link are polled in the same microtask until none wants more. Every millisecond or so the next poll waits for the event
 * loop. The count is shared by all drivers: two stacks that keep each other busy over a memory link yield together.
 */
export function microtaskSchedule(pollsPerTurn: number = POLLS_PER_TURN, clock: Clock = systemClock): Schedule {
  const task = makeTask();
  // A reaction of a settled promise: queueMicrotask would keep an async context for each.
  const settled = Promise.resolve();
  /** Drivers that want a poll, in the order in which they asked; those before `next` had theirs. */
  const ready: (Driver | undefined)[] = [];
  let next = 0;
  let count = 0;
  let polls = 0;
  /** When the event loop had its turn last, as far as is known here. */
  let turnAt = Number.NEGATIVE_INFINITY;
  /** Somebody will drain the list. */
  let awaited = false;
  const drain = (): void => {
    // Polls of one chain follow each other within microseconds: one look at the clock serves a few.
    let now = clock.now();
    for (let fresh = 0; next < count; fresh++) {
      if (++polls >= pollsPerTurn) {
        if (performance.now() - turnAt >= TURN_MS) {
          task(later);
          return;
        }
        polls = 0;
      }
      if (fresh === POLLS_PER_LOOK) {
        now = clock.now();
        fresh = 0;
      }
      const driver = ready[next] as Driver;
      // A stack that is closed must not be kept by its place in the list.
      ready[next++] = undefined;
      driver.pollNow(now);
    }
    count = 0;
    next = 0;
    awaited = false;
  };
  const later = (): void => {
    polls = 0;
    turnAt = performance.now();
    drain();
  };
  return (driver) => {
    ready[count++] = driver;
    if (awaited) return;
    awaited = true;
    void settled.then(drain);
  };
}

export interface RuntimeOptions {
  /** Default: the system's. */
  clock?: Clock;
  /** Default: the system's. */
  random?: RandomSource;
}

/** A runtime on real time. One serves all stacks of a process. */
export function realRuntime(options: RuntimeOptions = {}): Runtime {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const schedule = microtaskSchedule(POLLS_PER_TURN, clock);
  let count = 0;
  return {
    clock,
    random,
    attach(core, fds, listener, name = `stack ${++count}`) {
      const driver = new Driver(core, fds, listener, clock, schedule, name);
      driver.kick();
      return driver;
    },
  };
}

/** The runtime that stacks share unless they are given another. */
export const systemRuntime: Runtime = /* @__PURE__ */ realRuntime();
