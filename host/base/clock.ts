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
  /**
   * Does all work due at or before `now` (ns). Afterwards `nextDeadline()` is later than `now` or undefined, or the work is
   * no longer attached.
   */
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
  /**
   * Tells the clock that the deadline of an attached `timed` changed, or that its `keepsAlive` did. A deadline that only moved later
   * need not be told: the clock may come at the old one, finds nothing due and asks for the next.
   */
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
 * earlier; a deadline that moved later, or went away, is noticed when the timer fires (re-arming costs more than one idle
 * wake-up). The timer holds the process only while some attached work with `keepsAlive` has a deadline.
 */
export class RealClock implements Clock {
  readonly epochMs: number = performance.timeOrigin;
  /** true = this one has a deadline that keeps the process running; #holding counts those. */
  readonly #attached = new Map<Timed, boolean>();
  #holding = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the armed timer fires, ns; Infinity while none is armed. */
  #armedFor = Number.POSITIVE_INFINITY;

  now(): number {
    return Math.floor(performance.now() * NS_PER_MS);
  }

  attach(timed: Timed): void {
    if (!this.#attached.has(timed)) this.#attached.set(timed, false);
    this.changed(timed);
  }

  detach(timed: Timed): void {
    if (!this.#attached.has(timed)) return;
    this.#account(timed, false);
    this.#attached.delete(timed);
    if (this.#attached.size === 0) this.#arm(undefined);
  }

  changed(timed: Timed): void {
    if (!this.#attached.has(timed)) return;
    const deadline = timed.nextDeadline();
    if (deadline !== undefined && deadline < this.#armedFor) this.#arm(deadline);
    this.#account(timed, deadline !== undefined && timed.keepsAlive !== false);
  }

  #account(timed: Timed, holds: boolean): void {
    if (this.#attached.get(timed) === holds) return;
    this.#attached.set(timed, holds);
    this.#holding += holds ? 1 : -1;
    if (this.#holding === (holds ? 1 : 0)) this.#hold();
  }

  /** Only Node's timers hold a process; browsers return a number. */
  #hold(): void {
    if (typeof this.#timer !== "object") return;
    if (this.#holding > 0) this.#timer.ref();
    else this.#timer.unref();
  }

  #arm(deadline: number | undefined): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedFor = deadline ?? Number.POSITIVE_INFINITY;
    if (deadline === undefined) return;
    const delayMs = Math.max(0, Math.ceil((deadline - this.now()) / NS_PER_MS));
    this.#timer = setTimeout(this.#fire, Math.min(delayMs, TIMEOUT_MAX_MS));
    this.#hold();
  }

  readonly #fire = (): void => {
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = this.now();
    for (const timed of [...this.#attached.keys()]) {
      const deadline = this.#attached.has(timed) ? timed.nextDeadline() : undefined;
      if (deadline === undefined || deadline > now) continue;
      timed.advance(now);
      this.changed(timed);
    }
    const first = earliest(this.#attached.keys());
    if (first !== undefined && first < this.#armedFor) this.#arm(first);
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
      const deadline = this.#attached.has(timed) ? timed.nextDeadline() : undefined;
      if (deadline === undefined || deadline > this.#now) continue;
      timed.advance(this.#now);
      const after = this.#attached.has(timed) ? timed.nextDeadline() : undefined;
      if (after !== undefined && after <= this.#now) throw new Error(`attached work stays due at ${after} ns (now ${this.#now} ns)`);
    }
  }
}
