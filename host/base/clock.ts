/**
 * Time for everything below the API. Nanoseconds as plain numbers: exact up to 2^53 ns (104 days) after a clock's start,
 * within a few nanoseconds for years after that.
 */

export const NS_PER_MS = 1_000_000;
/** Longest delay setTimeout takes; longer waits are armed again when it fires. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** Something with work that falls due: a link with frames in flight, a driver whose core wants a poll. */
export interface Timed {
  /** When the next piece of work is due (ns of the clock it is attached to), or undefined when there is none. */
  nextDeadline(): number | undefined;
  /** Does all work due at or before `now` (ns). Afterwards `nextDeadline()` is later than `now` or undefined. */
  advance(now: number): void;
  /** false: this deadline alone does not keep the process running. Default true. */
  readonly keepsAlive?: boolean;
}

/** A monotonic clock that also wakes what is attached to it. */
export interface Clock {
  /** Nanoseconds since the clock's own start; never decreases. */
  now(): number;
  /** Wall-clock time of `now() === 0`, in milliseconds since 1970. Virtual clocks say 0. */
  readonly epochMs: number;
  attach(timed: Timed): void;
  detach(timed: Timed): void;
  /** Tells the clock that the deadline of an attached `timed` changed, or that its `keepsAlive` did. */
  changed(timed: Timed): void;
}

function earliest(timed: Iterable<Timed>): number | undefined {
  let first: number | undefined;
  for (const one of timed) {
    const deadline = one.nextDeadline();
    if (deadline !== undefined && (first === undefined || deadline < first)) first = deadline;
  }
  return first;
}

/**
 * Real time: `performance.now()` and one Timeout for all that is attached. The timer is moved only when a deadline comes
 * earlier; a deadline that moved later is noticed when the timer fires (re-arming costs more than one idle wake-up).
 */
export class RealClock implements Clock {
  readonly epochMs = performance.timeOrigin;
  readonly #attached = new Set<Timed>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the armed timer fires, ns; Infinity while none is armed. */
  #armedFor = Number.POSITIVE_INFINITY;
  #armedAlive = false;

  now(): number {
    return Math.floor(performance.now() * NS_PER_MS);
  }

  attach(timed: Timed): void {
    this.#attached.add(timed);
    this.changed(timed);
  }

  detach(timed: Timed): void {
    if (this.#attached.delete(timed)) this.#rearm();
  }

  changed(timed: Timed): void {
    const deadline = timed.nextDeadline();
    if (deadline === undefined) return;
    const alive = timed.keepsAlive !== false;
    if (deadline < this.#armedFor || alive !== this.#armedAlive) this.#rearm();
  }

  #rearm(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    const first = earliest(this.#attached);
    if (first === undefined) return;
    const delayMs = Math.max(0, Math.ceil((first - this.now()) / NS_PER_MS));
    this.#armedFor = first;
    this.#timer = setTimeout(this.#fire, Math.min(delayMs, TIMEOUT_MAX_MS));
    this.#armedAlive = this.#anyAlive();
    // Only Node's timers hold a process; browsers return a number.
    if (!this.#armedAlive && typeof this.#timer === "object") this.#timer.unref();
  }

  #anyAlive(): boolean {
    for (const timed of this.#attached) {
      if (timed.keepsAlive !== false && timed.nextDeadline() !== undefined) return true;
    }
    return false;
  }

  readonly #fire = (): void => {
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = this.now();
    for (const timed of [...this.#attached]) {
      const deadline = timed.nextDeadline();
      if (deadline !== undefined && deadline <= now) timed.advance(now);
    }
    this.#rearm();
  };
}

/** The clock of this process. Shared, so that one timer serves every stack and link on it. */
export const systemClock: Clock = /* @__PURE__ */ new RealClock();

/** Time that moves only when told to. Attached work runs in deadline order, equal deadlines in the order of attachment. */
export class VirtualClock implements Clock {
  readonly epochMs: number = 0;
  readonly #attached = new Set<Timed>();
  #now: number;

  /** @param startNs Where the clock starts, ns ≥ 0. */
  constructor(startNs = 0) {
    if (!(startNs >= 0)) throw new RangeError(`VirtualClock start is ${startNs}; expected nanoseconds of 0 or more`);
    this.#now = startNs;
  }

  now(): number {
    return this.#now;
  }

  attach(timed: Timed): void {
    this.#attached.add(timed);
  }

  detach(timed: Timed): void {
    this.#attached.delete(timed);
  }

  changed(_timed: Timed): void {}

  /** Earliest deadline of all that is attached, ns; it can lie in the past if its owner was not run yet. */
  nextDeadline(): number | undefined {
    return earliest(this.#attached);
  }

  /** Moves forward by `ms` milliseconds (0 or more), doing everything that falls due on the way at its own time. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`cannot advance by ${ms} ms; expected 0 or more`);
    this.advanceTo(this.#now + ms * NS_PER_MS);
  }

  /** Moves to `target` ns; a target in the past only runs what is due now. */
  advanceTo(target: number): void {
    for (;;) {
      const next = this.nextDeadline();
      if (next === undefined || next > target) break;
      if (next > this.#now) this.#now = next;
      this.#runDue();
    }
    if (target > this.#now) this.#now = target;
  }

  /** Jumps without running anything: the clock of a machine that slept. What fell due runs at the next advance. */
  jump(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`cannot jump by ${ms} ms; expected 0 or more`);
    this.#now += ms * NS_PER_MS;
  }

  #runDue(): void {
    for (const timed of [...this.#attached]) {
      const deadline = timed.nextDeadline();
      if (deadline === undefined || deadline > this.#now) continue;
      timed.advance(this.#now);
      const after = timed.nextDeadline();
      if (after !== undefined && after <= this.#now) throw new Error(`attached work stays due at ${after} ns (now ${this.#now} ns)`);
    }
  }
}
