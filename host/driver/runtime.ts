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

/** Every so many polls the event loop gets its turn: a chain of microtasks alone would starve timers and input. */
const POLLS_PER_TURN = 64;

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
 * other over a link are polled in the same microtask until none wants more. Every 64th poll of the process waits for the event loop. The count is shared by all drivers: two stacks that keep each other busy over a
 * memory link yield together.
 */
export function microtaskSchedule(pollsPerTurn: number = POLLS_PER_TURN): Schedule {
  const task = makeTask();
  // A reaction of a settled promise: queueMicrotask would keep an async context for each.
  const settled = Promise.resolve();
  /** Drivers that want a poll, in the order in which they asked; those before `next` had theirs. */
  const ready: Driver[] = [];
  let next = 0;
  let polls = 0;
  /** Somebody will drain the list. */
  let awaited = false;
  const drain = (): void => {
    while (next < ready.length) {
      if (++polls >= pollsPerTurn) {
        task(later);
        return;
      }
      (ready[next++] as Driver).pollNow();
    }
    ready.length = 0;
    next = 0;
    awaited = false;
  };
  const later = (): void => {
    polls = 0;
    drain();
  };
  return (driver) => {
    ready.push(driver);
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
  const schedule = microtaskSchedule();
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
