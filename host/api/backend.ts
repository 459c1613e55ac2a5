/** What an Engine stands on: a core in this thread, or the one of a stack in another thread. */
import type { Clock } from "../base/clock.ts";
import type { CoreStats } from "../core/index.ts";
import type { Driver } from "../driver/index.ts";
import { Calls, type SocketCalls } from "./calls.ts";
import type { Host } from "./host.ts";

export interface Backend {
  readonly calls: SocketCalls;
  readonly clock: Clock;
  /** The stack has sockets of the operating system. */
  readonly hostSockets: boolean;
  /** A call may have given the core something to do. */
  kick(): void;
  /** The same for a call that most often leaves nothing: the core is asked, which costs less than a poll. */
  kickIfDue(): void;
  stats(): CoreStats;
  /** Gives up what is still open (semantics C-53), lets the core send its last segments, hands out its last news, and stops. */
  stop(): void;
}

/** Polls of the last words after the sockets are closed. */
const LAST_POLLS = 64;

/** The last words of a core: what stop() means, in whichever thread it is. */
export function stopHost(host: Host, calls: Calls): void {
  calls.cleanup();
  const { driver } = host;
  driver.kick();
  for (let polls = 0; polls < LAST_POLLS && driver.pending; polls++) driver.pollNow();
  driver.close();
  // What the core has settled and the operating system still delivers.
  host.sockets?.dispose();
}

export class LocalBackend implements Backend {
  readonly calls: Calls;
  readonly #host: Host;
  readonly #driver: Driver;
  readonly #workDue: (() => number) | undefined;

  constructor(host: Host) {
    this.#host = host;
    this.#driver = host.driver;
    this.#workDue = host.core.exports.workDue;
    this.calls = new Calls(host.core);
  }

  get clock(): Clock {
    return this.#host.runtime.clock;
  }

  get hostSockets(): boolean {
    return this.#host.sockets !== undefined;
  }

  kick(): void {
    this.#driver.kick();
  }

  kickIfDue(): void {
    if (!this.#driver.pending && (this.#workDue === undefined || this.#workDue() !== 0)) this.#driver.kick();
  }

  stats(): CoreStats {
    return this.#host.core.stats();
  }

  stop(): void {
    stopHost(this.#host, this.calls);
  }
}
