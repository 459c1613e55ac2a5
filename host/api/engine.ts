/** What the sockets of one stack share: the calls, the news from the core, close reports, timers. */
import { EVENT_TROUBLE, EVENT_WAKE } from "../abi/events.gen.ts";
import { WSANOTINITIALISED } from "../abi/errors.gen.ts";
import { type Clock, NS_PER_MS, type Timed } from "../base/clock.ts";
import type { CloseReportRecord } from "../core/index.ts";
import type { DriverListener } from "../driver/index.ts";
import type { Backend } from "./backend.ts";
import type { SocketCalls } from "./calls.ts";
import { SocketError } from "./error.ts";
import { type CloseReport, toCloseReport } from "./report.ts";

/** Who is told about a handle. */
export interface Owner {
  /** A waiting call can make progress: OP_x of assembly/abi/events.ts. */
  wake(operation: number): void;
  /** What became of its close; the last it hears. */
  report?(report: CloseReport): void;
  /** A soft error: WSA code, and timeouts since something was acknowledged last. */
  trouble?(wsa: number, timeouts: number): void;
  /** The stack is gone; nothing will be told any more. */
  fatal(error: Error): void;
}

export class Engine implements DriverListener {
  #backend: Backend | undefined;
  #calls: SocketCalls | undefined;
  /** Why nothing works any more. */
  #dead: Error | undefined;
  readonly #owners = new Map<number, Owner>();

  /** Called once, before anything else: the driver needs its listener first. */
  start(backend: Backend): void {
    this.#backend = backend;
    this.#calls = backend.calls;
  }

  get backend(): Backend {
    return this.#backend as Backend;
  }

  get calls(): SocketCalls {
    return this.#calls as SocketCalls;
  }

  get clock(): Clock {
    return this.backend.clock;
  }

  /** Throws when the stack is closed or has failed. */
  check(operation: string): void {
    if (this.#dead) throw this.#dead instanceof SocketError ? new SocketError(operation, WSANOTINITIALISED, { text: "the stack is closed" }) : this.#dead;
  }

  get alive(): boolean {
    return this.#dead === undefined;
  }

  /** A call may have given the core something to do. */
  kick(): void {
    this.backend.kick();
  }

  /** The same for a call that most often leaves nothing: the core is asked, which costs less than a poll. */
  kickIfDue(): void {
    this.backend.kickIfDue();
  }

  own(handle: number, owner: Owner): void {
    this.#owners.set(handle, owner);
  }

  disown(handle: number): void {
    this.#owners.delete(handle);
  }

  event(kind: number, handle: number, a: number, operation: number): void {
    if (kind === EVENT_WAKE) this.#owners.get(handle)?.wake(operation);
    else if (kind === EVENT_TROUBLE) this.#owners.get(handle)?.trouble?.(a, operation);
  }

  report(record: CloseReportRecord): void {
    const owner = this.#owners.get(record.handle);
    if (owner === undefined) return;
    this.#owners.delete(record.handle);
    owner.report?.(toCloseReport(record));
  }

  fatal(error: Error): void {
    this.#end(error);
  }

  /** Runs `callback` in `ms` milliseconds of the stack's clock. Returns what cancels it. */
  after(ms: number, callback: () => void): () => void {
    const { clock } = this;
    const due = clock.now() + ms * NS_PER_MS;
    const cancel = (): void => clock.detach(timed);
    const timed: Timed = {
      nextDeadline: () => due,
      advance: () => {
        cancel();
        callback();
      },
    };
    clock.attach(timed);
    return cancel;
  }

  /** Gives up what is still open and stops. */
  stop(): void {
    if (this.#dead) return;
    // The last reports take owners off the list; they all have to hear the end.
    const owners = [...this.#owners.values()];
    this.backend.stop();
    this.#end(new SocketError("close", WSANOTINITIALISED, { text: "the stack is closed" }), owners);
  }

  #end(error: Error, owners = [...this.#owners.values()]): void {
    this.#dead ??= error;
    this.#owners.clear();
    for (const owner of owners) owner.fatal(error);
  }
}
