/** Calls that wait (seam.md): each pending call is a caller of its own, repeated when its WAKE event comes. */
import { EVENT_MESSAGE, EVENT_ROUTINE, EVENT_SIGNALED, EVENT_WAKE } from "../abi/events.gen.ts";
import type { DriverListener } from "../driver/index.ts";
import { type CloseReport, toCloseReport } from "../api/raw.ts";

/** Caller of everything that does not wait. */
const MAIN = 0;
/** Reports kept for those who ask later; beyond them the oldest goes. */
const REPORTS_KEPT = 1024;

/** Somebody waits for a report. */
interface Wanted {
  readonly promise: Promise<CloseReport>;
  readonly resolve: (report: CloseReport) => void;
  readonly reject: (error: Error) => void;
}

function wanted(): Wanted {
  let resolve!: Wanted["resolve"], reject!: Wanted["reject"];
  const promise = new Promise<CloseReport>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

export class Waiting implements DriverListener {
  readonly #wakes = new Map<number, () => void>();
  readonly #free: number[] = [];
  #next = MAIN + 1;
  readonly #signals = new Set<() => void>();
  readonly #reports = new Map<number, CloseReport>();
  readonly #wanted = new Map<number, Wanted>();
  /** Why there are no more reports. */
  #over: Error | undefined;
  #dead: Error | undefined;

  /** Told of event objects before those who wait for them, of completion routines and of window messages (assembly/abi/events.ts). */
  onSignal: (event: number) => void = () => {};
  onRoutine: (overlapped: number, error: number, bytes: number) => void = () => {};
  onMessage: (hWnd: number, message: number, wParam: number, lParam: number) => void = () => {};

  event(kind: number, handle: number, a: number, b: number): void {
    switch (kind & 0xffff) {
      case EVENT_WAKE: this.#wakes.get(a)?.(); break;
      case EVENT_SIGNALED:
        this.onSignal(handle);
        for (const look of [...this.#signals]) look();
        break;
      case EVENT_ROUTINE: this.onRoutine(a, kind >>> 16, b); break;
      case EVENT_MESSAGE: this.onMessage(handle, kind >>> 16, a, b); break;
      default:
    }
  }

  report(record: Parameters<typeof toCloseReport>[0]): void {
    const report = toCloseReport(record);
    const waiting = this.#wanted.get(record.handle);
    this.#wanted.delete(record.handle);
    if (waiting) {
      waiting.resolve(report);
      return;
    }
    this.#reports.set(record.handle, report);
    if (this.#reports.size > REPORTS_KEPT) this.#reports.delete(this.#reports.keys().next().value as number);
  }

  fatal(error: Error): void {
    this.#dead = error;
    for (const wake of [...this.#wakes.values(), ...this.#signals]) wake();
    this.#noMore(error);
  }

  /** Nothing drives the core any more. */
  ended(): void {
    for (const wake of [...this.#wakes.values(), ...this.#signals]) wake();
    this.#noMore(new Error("Winsock was ended before the socket had its report"));
  }

  #noMore(error: Error): void {
    this.#over ??= error;
    for (const { reject } of this.#wanted.values()) reject(error);
    this.#wanted.clear();
  }

  /** There is nobody to wait for any more. */
  get over(): boolean {
    return this.#over !== undefined;
  }

  /** Throws what ended the core. */
  check(): void {
    if (this.#dead) throw this.#dead;
  }

  /** A caller number nobody else waits under. */
  take(): number {
    return this.#free.pop() ?? this.#next++;
  }

  give(caller: number): void {
    this.#wakes.delete(caller);
    this.#free.push(caller);
  }

  /** Resolves at the next WAKE event for that caller. */
  woken(caller: number): Promise<void> {
    return new Promise((resolve) => this.#wakes.set(caller, resolve));
  }

  /** Resolves when any event object became set, or after `ms` (undefined = never). */
  signaled(ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const done = (): void => {
        this.#signals.delete(done);
        clearTimeout(timer);
        resolve();
      };
      this.#signals.add(done);
      if (ms !== undefined) timer = setTimeout(done, ms);
    });
  }

  /** The report of a closed socket, now or when it is made. */
  closed(handle: number): Promise<CloseReport> {
    const report = this.#reports.get(handle);
    this.#reports.delete(handle);
    if (report) return Promise.resolve(report);
    if (this.#over) return Promise.reject(this.#over);
    const waiting = this.#wanted.get(handle) ?? wanted();
    this.#wanted.set(handle, waiting);
    return waiting.promise;
  }
}
