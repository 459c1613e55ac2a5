/** Calls that wait for the core: tried in order, tried again when the core says so, settled once. */

/** An attempt's answer when the core says LASTACK_WAIT. */
export const WAITING: unique symbol = Symbol("waiting");

/** Makes the call. Returns its result or WAITING; throws what the call failed with. */
export type Attempt<T> = () => T | typeof WAITING;

/** A call that waits. */
class Request<T> {
  readonly attempt: Attempt<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
  next: Request<T> | undefined = undefined;
  signal: AbortSignal | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;

  constructor(attempt: Attempt<T>, resolve: (value: T) => void, reject: (reason: unknown) => void) {
    this.attempt = attempt;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** The signal is not listened to any more. */
  forget(): void {
    if (this.signal && this.onAbort) this.signal.removeEventListener("abort", this.onAbort);
  }
}

/** First in, first out: a request is tried only when all before it are settled. */
export class Requests<T> {
  #first: Request<T> | undefined = undefined;
  #last: Request<T> | undefined = undefined;
  #idle: (() => void)[] | undefined = undefined;

  /** Nothing waits now. */
  get none(): boolean {
    return this.#first === undefined;
  }

  /**
   * Tries at once if nothing waits, else queues.
   * @param signal Takes the request out and rejects it with the signal's reason.
   */
  add(attempt: Attempt<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#first === undefined) {
      try {
        const result = attempt();
        if (result !== WAITING) return Promise.resolve(result);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    return this.wait(attempt, signal);
  }

  /** Queues what has been tried and must wait, or has others before it. */
  wait(attempt: Attempt<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const request = new Request(attempt, resolve, reject);
      if (signal) this.#heed(request, signal);
      if (this.#last === undefined) this.#first = request;
      else this.#last.next = request;
      this.#last = request;
    });
  }

  #heed(request: Request<T>, signal: AbortSignal): void {
    const onAbort = (): void => this.#withdraw(request, signal.reason);
    request.signal = signal;
    request.onAbort = onAbort;
    signal.addEventListener("abort", onAbort, { once: true });
  }

  /** Tries from the first on until one must wait. */
  retry(): void {
    for (let request = this.#first; request !== undefined; request = this.#first) {
      let result: T | typeof WAITING;
      try {
        result = request.attempt();
      } catch (error) {
        this.#shift(request);
        request.reject(error);
        continue;
      }
      if (result === WAITING) return;
      this.#shift(request);
      request.resolve(result);
    }
    this.#becameIdle();
  }

  /** Rejects all that wait. */
  fail(reason: unknown): void {
    let request = this.#first;
    this.#first = undefined;
    this.#last = undefined;
    for (; request !== undefined; request = request.next) {
      request.forget();
      request.reject(reason);
    }
    this.#becameIdle();
  }

  /** Calls back once, when nothing waits any more. */
  whenIdle(callback: () => void): void {
    if (this.none) callback();
    else if (this.#idle) this.#idle.push(callback);
    else this.#idle = [callback];
  }

  /** The first request is done. */
  #shift(request: Request<T>): void {
    this.#first = request.next;
    if (request.next === undefined) this.#last = undefined;
    request.forget();
  }

  #withdraw(request: Request<T>, reason: unknown): void {
    if (request === this.#first) {
      this.#shift(request);
      request.reject(reason);
      this.retry();
      return;
    }
    for (let before = this.#first; before !== undefined; before = before.next) {
      if (before.next !== request) continue;
      before.next = request.next;
      if (request.next === undefined) this.#last = before;
      request.reject(reason);
      return;
    }
  }

  #becameIdle(): void {
    if (this.#idle === undefined) return;
    const callbacks = this.#idle;
    this.#idle = undefined;
    for (const callback of callbacks) callback();
  }
}

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
