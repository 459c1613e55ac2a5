/** Calls that wait for the core: tried in order, tried again when the core says so, settled once. */

/** An attempt's answer when the core says LASTACK_WAIT. */
export const WAITING: unique symbol = Symbol("waiting");

/** Makes the call. Returns its result or WAITING; throws what the call failed with. */
export type Attempt<T> = () => T | typeof WAITING;

interface Entry<T> {
  readonly attempt: Attempt<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
  readonly forget: () => void;
}

/** First in, first out: an entry is tried only when all before it are settled. */
export class Requests<T> {
  readonly #entries: Entry<T>[] = [];
  #idle: (() => void)[] = [];

  /** Requests that wait now. */
  get size(): number {
    return this.#entries.length;
  }

  /**
   * Tries at once if nothing waits, else queues.
   * @param signal Takes the request out and rejects it with the signal's reason.
   */
  add(attempt: Attempt<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#entries.length === 0) {
      try {
        const result = attempt();
        if (result !== WAITING) return Promise.resolve(result);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    return new Promise((resolve, reject) => {
      if (!signal) {
        this.#entries.push({ attempt, resolve, reject, forget: nothing });
        return;
      }
      const onAbort = (): void => this.#withdraw(entry, signal.reason);
      const entry: Entry<T> = { attempt, resolve, reject, forget: () => signal.removeEventListener("abort", onAbort) };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#entries.push(entry);
    });
  }

  /** Tries from the first on until one must wait. */
  retry(): void {
    for (let entry = this.#entries[0]; entry; entry = this.#entries[0]) {
      try {
        const result = entry.attempt();
        if (result === WAITING) return;
        this.#entries.shift();
        entry.forget();
        entry.resolve(result);
      } catch (error) {
        this.#entries.shift();
        entry.forget();
        entry.reject(error);
      }
    }
    this.#becameIdle();
  }

  /** Rejects all that wait, with a reason made only if somebody does: an error with its stack costs more than a connection. */
  failWith(make: () => unknown): void {
    this.fail(this.#entries.length > 0 ? make() : undefined);
  }

  /** Rejects all that wait. */
  fail(reason: unknown): void {
    for (const entry of this.#entries.splice(0)) {
      entry.forget();
      entry.reject(reason);
    }
    this.#becameIdle();
  }

  /** Calls back once, when nothing waits any more. */
  whenIdle(callback: () => void): void {
    if (this.#entries.length === 0) callback();
    else this.#idle.push(callback);
  }

  #withdraw(entry: Entry<T>, reason: unknown): void {
    const at = this.#entries.indexOf(entry);
    if (at < 0) return;
    this.#entries.splice(at, 1);
    entry.reject(reason);
    if (at === 0) this.retry();
  }

  #becameIdle(): void {
    if (this.#idle.length === 0) return;
    for (const callback of this.#idle.splice(0)) callback();
  }
}

function nothing(): void {}

/** The same outcome as `promise`, but rejected with the signal's reason if that comes first. What it stands for goes on. */
export function orAbandoned<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Runs what gives a promise; what it throws, a wrong argument say, rejects the promise instead. */
export function promised<T>(run: () => Promise<T>): Promise<T> {
  try {
    return run();
  } catch (error) {
    return Promise.reject(error);
  }
}
