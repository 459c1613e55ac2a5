/**
 * Polls one core: gathers the reasons to poll into one poll, keeps the core's next deadline, pulls what the core has to say
 * and hands it on. When a poll runs is the scheduler's choice: real time (runtime.ts) or a World (world.ts).
 */
import { EVENT_REPORT } from "../abi/events.gen.ts";
import { type Clock, NS_PER_MS, type Timed } from "../base/clock.ts";
import type { Core } from "../core/core.ts";
import type { CloseReportRecord } from "../core/records.ts";
import type { FdTable } from "../wasi/fds.ts";

/** Batches of events handed out per poll. */
const EVENT_ROUNDS = 64;
/** A deadline that there is not: a number like the others, so that comparing is all it takes. */
const NEVER = Number.POSITIVE_INFINITY;

/** Where a driver's news goes. Called after a poll, never from inside the core; calling the core from here is fine. */
export interface DriverListener {
  /** One event record (assembly/abi/events.ts). */
  event(kind: number, handle: number, a: number, b: number): void;
  /** A close report. Without this method EVENT_REPORT is handed to `event` and the reports stay with the core. */
  report?(report: CloseReportRecord): void;
  /** The core trapped (our bug) or the host's side failed: it will not be polled again. */
  fatal(error: Error): void;
}

/** Decides when a driver that wants to be polled calls `pollNow`: once, soon, and never from inside the call. */
export type Schedule = (driver: Driver) => void;

export class Driver implements Timed {
  readonly core: Core;
  readonly fds: FdTable;
  readonly clock: Clock;
  /** For messages. */
  readonly name: string;
  /** Polls so far. */
  polls = 0;
  keepsAlive = true;

  readonly #listener: DriverListener;
  readonly #schedule: Schedule;
  /** Events of one pull; what a listener does may pull again, so they are not kept in the core's memory. */
  readonly #batch: Uint32Array;
  /** READY_* bits by descriptor, and the descriptors that have some. */
  readonly #readyBits: number[] = [];
  readonly #readyFds: number[] = [];
  /** How many of them count: setting an array's length is slow. */
  #readyCount = 0;
  /** A poll is scheduled. */
  #pending = false;
  /** When the core wants a poll, ns. */
  #due = NEVER;
  /** What the clock saw of that last. A deadline that moved later it finds out when it comes to the old one. */
  #told = NEVER;
  #closed = false;

  constructor(core: Core, fds: FdTable, listener: DriverListener, clock: Clock, schedule: Schedule, name: string) {
    this.core = core;
    this.fds = fds;
    this.clock = clock;
    this.name = name;
    this.#listener = listener;
    this.#schedule = schedule;
    this.#batch = new Uint32Array(4 * core.eventCapacity);
    clock.attach(this);
    fds.onReady = (fd, bits) => this.ready(fd, bits);
    const poll = (): void => this.kick();
    for (const [, device] of fds.open()) {
      if (!core.isPosted(device)) continue;
      // Every poll looks into posted buffers, and tries again what a full device refused: there is nothing to tell.
      device.onReadable = poll;
      device.onWritable = poll;
    }
  }

  /** Says that a call into the core may have left it something to do. Cheap; any number of kicks make one poll. */
  kick(): void {
    if (this.#pending || this.#closed) return;
    this.#pending = true;
    this.#schedule(this);
  }

  /** Says that a device or socket became ready (READY_* bits). The core learns of it just before the next poll. */
  ready(fd: number, bits: number): void {
    const before = this.#readyBits[fd] ?? 0;
    if (before === 0) this.#readyFds[this.#readyCount++] = fd;
    this.#readyBits[fd] = before | bits;
    this.kick();
  }

  /** A poll is scheduled and has not run. */
  get pending(): boolean {
    return this.#pending;
  }

  get closed(): boolean {
    return this.#closed;
  }

  nextDeadline(): number | undefined {
    this.#told = this.#due;
    return this.#due === NEVER ? undefined : this.#due;
  }

  advance(now: number): void {
    if (this.#due > now) return;
    this.#due = NEVER;
    this.kick();
  }

  /**
   * Polls the core and hands out its events. Called by the scheduler; also safe to call directly, outside the core.
   * @param now What the clock says, for a scheduler that has just asked it.
   */
  pollNow(now: number = this.clock.now()): void {
    this.#pending = false;
    if (this.#closed) return;
    try {
      if (this.#readyCount > 0) this.#tellReady();
      const next = this.core.poll(now);
      this.polls++;
      this.#due = next > 0 ? now + next * NS_PER_MS : NEVER;
      if (next === 0) this.kick();
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#due < this.#told || (this.#due === NEVER && this.#told !== NEVER)) this.clock.changed(this);
    this.#handOut();
  }

  /** Stops polling for good. Devices stay open: they are their owner's. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#due = NEVER;
    this.fds.onReady = undefined;
    this.clock.detach(this);
  }

  /** Lets the deadlines of this core and its devices keep the process running (the default), or not. */
  ref(): void {
    this.#hold(true);
  }

  unref(): void {
    this.#hold(false);
  }

  #hold(alive: boolean): void {
    this.keepsAlive = alive;
    this.clock.changed(this);
    for (const [, device] of this.fds.open()) {
      if (alive) device.ref?.();
      else device.unref?.();
    }
  }

  #tellReady(): void {
    for (let i = 0; i < this.#readyCount; i++) {
      const fd = this.#readyFds[i] as number;
      const bits = this.#readyBits[fd] as number;
      this.#readyBits[fd] = 0;
      this.core.exports.hostReady(fd, bits);
    }
    this.#readyCount = 0;
  }

  /**
   * Hands out what the core has to say now, in a bounded number of batches: a listener that calls the core makes new events,
   * and those of a listener that always does are left to the next poll.
   */
  #handOut(): void {
    const batch = this.#batch;
    let reports = 0;
    for (let rounds = 0; rounds < EVENT_ROUNDS; rounds++) {
      const count = this.#pullEvents();
      for (let i = 0; i < count * 4; i += 4) {
        const kind = batch[i] as number;
        if (kind === EVENT_REPORT && this.#listener.report) reports++;
        else this.#listener.event(kind, batch[i + 1] as number, batch[i + 2] as number, batch[i + 3] as number);
      }
      // The rest stays with the core until the next poll.
      if (count < this.core.eventCapacity) break;
      if (rounds === EVENT_ROUNDS - 1) this.kick();
    }
    // As many as were announced: others say so with the events of the next poll.
    for (; reports > 0; reports--) {
      const report = this.#pullReport();
      if (report === undefined) return;
      this.#listener.report?.(report);
    }
  }

  #pullEvents(): number {
    if (this.#closed) return 0;
    try {
      return this.core.pullEvents(this.#batch);
    } catch (error) {
      this.#fail(error);
      return 0;
    }
  }

  #pullReport(): CloseReportRecord | undefined {
    if (this.#closed) return undefined;
    try {
      return this.core.pullReport();
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    this.close();
    this.#listener.fatal(error instanceof Error ? error : new Error(String(error)));
  }
}

