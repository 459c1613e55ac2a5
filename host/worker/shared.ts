/** What the two threads of a worker stack share: control words, two queues, and the messages that pass beside them. */
import type { CloseReportRecord } from "../core/index.ts";
import type { ThreadDevice } from "../device/thread-device.ts";

/** Words of the control block. A bell is a word that changes when there is something to look at. */
export const REPLIES = 0;
export const THREAD_BELL = 1;
export const MAIN_BELL = 2;
/** Messages posted to the thread. */
export const POSTED = 3;
const CONTROL_WORDS = 16;

/** A queue of words in shared memory: one thread puts, the other takes. */
export class WordQueue {
  readonly #state: Int32Array;
  readonly #words: Int32Array;
  readonly #mask: number;

  constructor(buffer: SharedArrayBuffer) {
    this.#state = new Int32Array(buffer, 0, 2);
    this.#words = new Int32Array(buffer, 8);
    this.#mask = this.#words.length - 1;
  }

  /** Shared memory for at least `capacity` words. */
  static make(capacity: number): SharedArrayBuffer {
    return new SharedArrayBuffer(8 + 4 * powerOfTwo(capacity));
  }

  /** Puts both words or, without room, none. */
  put(first: number, second: number): boolean {
    const head = Atomics.load(this.#state, 0);
    if (((head - Atomics.load(this.#state, 1)) >>> 0) + 2 > this.#mask + 1) return false;
    this.#words[head & this.#mask] = first;
    this.#words[(head + 1) & this.#mask] = second;
    Atomics.store(this.#state, 0, (head + 2) | 0);
    return true;
  }

  /** Takes the oldest pair into `pair`. */
  take(pair: Int32Array): boolean {
    const tail = Atomics.load(this.#state, 1);
    if (Atomics.load(this.#state, 0) === tail) return false;
    pair[0] = this.#words[tail & this.#mask] as number;
    pair[1] = this.#words[(tail + 1) & this.#mask] as number;
    Atomics.store(this.#state, 1, (tail + 2) | 0);
    return true;
  }
}

export function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, least)));
}

export const makeControl = (): SharedArrayBuffer => new SharedArrayBuffer(CONTROL_WORDS * 4);

/** Changes a bell and wakes who waits for it. */
export function ring(control: Int32Array, bell: number): void {
  Atomics.add(control, bell, 1);
  Atomics.notify(control, bell);
}

/** What the thread is started with. */
export interface ThreadStart {
  readonly port: import("node:worker_threads").MessagePort;
  readonly control: SharedArrayBuffer;
  /** Lanes with something new, to the thread: { lane, 0 }. */
  readonly work: SharedArrayBuffer;
  /** Waits that ended, from the thread: { handle, operation }. */
  readonly news: SharedArrayBuffer;
  readonly module: WebAssembly.Module;
  readonly devices: readonly ThreadDevice[];
  /** addresses, routes, limits, knobs, hostSockets of StackOptions. */
  readonly options: object;
}

/** To the thread. `call` is answered. */
export type Request =
  | { readonly type: "lane"; readonly id: number; readonly buffer: SharedArrayBuffer; readonly receiveBytes: number }
  | { readonly type: "call"; readonly name: string; readonly handle: number; readonly args: readonly unknown[]; readonly lane: number };

/** An error as it crosses threads. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
}

/** From the thread. */
export type Answer =
  | { readonly type: "ready"; readonly dataSize: number; readonly area: SharedArrayBuffer }
  | { readonly type: "reply"; readonly result: unknown; readonly error: number; readonly names: Names | undefined }
  | { readonly type: "report"; readonly record: CloseReportRecord }
  | { readonly type: "fatal"; readonly error: SentError };

/** Both ends' addresses, with the reply that made a connection. */
export interface Names {
  readonly handle: number;
  readonly local: { readonly address: string; readonly port: number } | undefined;
  readonly peer: { readonly address: string; readonly port: number } | undefined;
}

export function sendError(error: unknown): SentError {
  const { name = "Error", message = String(error), code } = (error ?? {}) as { name?: string; message?: string; code?: string };
  return { name, message, code };
}
