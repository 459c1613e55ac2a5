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
 * Polls from a microtask, so that all kicks of one turn make one poll and its answer comes in the same turn; every 64th poll
 * of the process waits for the event loop. The count is shared by all drivers: two stacks that keep each other busy over a
 * memory link yield together.
 */
export function microtaskSchedule(pollsPerTurn: number = POLLS_PER_TURN): Schedule {
  const task = makeTask();
  let polls = 0;
  return (driver) => {
    if (++polls < pollsPerTurn) {
      queueMicrotask(() => driver.pollNow());
      return;
    }
    task(() => {
      polls = 0;
      driver.pollNow();
    });
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
