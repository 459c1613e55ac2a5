/**
 * The shared memory of one connection: a ring of bytes each way, and words that say who waits for what.
 *
 * Receiving, the thread shows what the core holds without taking it from the core: bytes count as read only when the program has
 * taken them from the ring, so that windows, unread data at a close and the report are as they are in one thread. Sending,
 * bytes in the ring have been accepted but the core does not have them yet.
 */

/** Counters are bytes modulo 2^32. */
const RX_HEAD = 0;
const RX_TAIL = 1;
/** The end, an error, or anything else that only the core can answer. */
export const RX_STOP = 2;
/** A reader waits. */
export const RX_WANT = 3;
const TX_HEAD = 4;
const TX_TAIL = 5;
export const TX_STOP = 6;
export const TX_WANT = 7;
/** The lane is in the queue of work. */
const QUEUED = 8;
const HEADER_BYTES = 64;

export class Lane {
  readonly id: number;
  readonly bytes: Uint8Array;
  /** Length that goes with the place last returned. */
  length = 0;
  readonly #words: Int32Array;
  readonly #rxMask: number;
  readonly #txMask: number;
  /** Reading has ended on this side: nothing shown counts any more. */
  #blind = false;
  readonly #txAt: number;

  /** @param receiveBytes Of the receive ring; it and the rest, the send ring, are powers of two. */
  constructor(id: number, buffer: SharedArrayBuffer, receiveBytes: number) {
    this.id = id;
    this.bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#rxMask = receiveBytes - 1;
    this.#txAt = HEADER_BYTES + receiveBytes;
    this.#txMask = buffer.byteLength - this.#txAt - 1;
  }

  static make(receiveBytes: number, sendBytes: number): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + receiveBytes + sendBytes);
  }

  /** For its next connection. It may still stand in the queue of work. */
  reset(): void {
    for (let word = 0; word < QUEUED; word++) Atomics.store(this.#words, word, 0);
    this.#blind = false;
  }

  /** For the reader: from now on only the core can answer. */
  blind(): void {
    this.#blind = true;
    this.set(RX_STOP, true);
  }

  get(word: number): boolean {
    return Atomics.load(this.#words, word) !== 0;
  }

  set(word: number, on: boolean): void {
    Atomics.store(this.#words, word, on ? 1 : 0);
  }

  /** Clears a word; true if it was set. */
  take(word: number): boolean {
    return Atomics.load(this.#words, word) !== 0 && Atomics.exchange(this.#words, word, 0) !== 0;
  }

  /** false: it is in the queue already. */
  enqueue(): boolean {
    return Atomics.exchange(this.#words, QUEUED, 1) === 0;
  }

  dequeued(): void {
    Atomics.store(this.#words, QUEUED, 0);
  }

  get received(): number {
    return (Atomics.load(this.#words, RX_HEAD) - Atomics.load(this.#words, RX_TAIL)) >>> 0;
  }

  get unsent(): number {
    return (Atomics.load(this.#words, TX_HEAD) - Atomics.load(this.#words, TX_TAIL)) >>> 0;
  }

  get sendRoom(): number {
    return this.#txMask + 1 - this.unsent;
  }

  /** Less than half of the send ring is used. */
  get roomy(): boolean {
    return this.unsent <= this.#txMask >> 1;
  }

  /** All that was consumed so far, modulo 2^32: the thread tells the core what was added. */
  get consumed(): number {
    return Atomics.load(this.#words, RX_TAIL) >>> 0;
  }

  /** Where received bytes stand, or 0. */
  oldest(): number {
    const tail = Atomics.load(this.#words, RX_TAIL) & this.#rxMask;
    this.length = this.#blind ? 0 : Math.min(this.received, this.#rxMask + 1 - tail);
    return this.length === 0 ? 0 : HEADER_BYTES + tail;
  }

  consume(n: number): void {
    Atomics.store(this.#words, RX_TAIL, (Atomics.load(this.#words, RX_TAIL) + n) | 0);
  }

  /** Copies received bytes in, as many as fit; how many. */
  show(from: Uint8Array, at: number, length: number): number {
    const head = Atomics.load(this.#words, RX_HEAD);
    const total = Math.min(length, this.#rxMask + 1 - this.received);
    const first = Math.min(total, this.#rxMask + 1 - (head & this.#rxMask));
    this.bytes.set(from.subarray(at, at + first), HEADER_BYTES + (head & this.#rxMask));
    if (total > first) this.bytes.set(from.subarray(at + first, at + total), HEADER_BYTES);
    Atomics.store(this.#words, RX_HEAD, (head + total) | 0);
    return total;
  }

  /** Where bytes to send may be put, at most `want`, or 0. */
  room(want: number): number {
    const head = Atomics.load(this.#words, TX_HEAD) & this.#txMask;
    this.length = Math.min(want, this.sendRoom, this.#txMask + 1 - head);
    return this.length === 0 ? 0 : this.#txAt + head;
  }

  /** Sends the first `n` of them. */
  put(n: number): void {
    Atomics.store(this.#words, TX_HEAD, (Atomics.load(this.#words, TX_HEAD) + n) | 0);
  }

  /** Where bytes to send stand, or 0. */
  next(): number {
    const tail = Atomics.load(this.#words, TX_TAIL) & this.#txMask;
    this.length = Math.min(this.unsent, this.#txMask + 1 - tail);
    return this.length === 0 ? 0 : this.#txAt + tail;
  }

  taken(n: number): void {
    Atomics.store(this.#words, TX_TAIL, (Atomics.load(this.#words, TX_TAIL) + n) | 0);
  }
}
