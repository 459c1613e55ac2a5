/** The sending side of posted receive buffers (assembly/link/posted.ts): frames go straight into the memory of the stack that reads them. */
import { POSTED_COUNT, POSTED_FILLED, POSTED_FIRST, POSTED_LENGTHS, POSTED_READ, POSTED_STRIDE } from "../abi/link.gen.ts";
import type { DeviceStats, PostedMemory } from "./contract.ts";

/** Below this many bytes a loop beats making a view for `set`. */
const LOOP_BYTES = 128;
/** Views kept, a power of two: more than a burst has segments. */
const VIEWS = 256;

export class PostedBuffers {
  readonly #memory: PostedMemory;
  readonly #stats: DeviceStats;
  readonly #count: number;
  readonly #stride: number;
  readonly #first: number;
  /** Places of the record's fields in `i32`. */
  readonly #filledAt: number;
  readonly #lengthsAt: number;
  readonly #readAt: number;
  /** The sender's memory as seen last, and whether its two views are of one buffer: asking that at each frame is dear. */
  #bytes: Uint8Array | undefined;
  #words: Int32Array | undefined;
  #alike = false;
  /** Views of its memory, found by where they begin. */
  readonly #views: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(VIEWS).fill(undefined);
  readonly #viewFrom = new Int32Array(VIEWS);
  readonly #viewBytes = new Int32Array(VIEWS);

  /**
   * @param most Frames that may wait; fewer if there are fewer buffers.
   * @param stats Of the device whose reader the buffers belong to.
   */
  constructor(memory: PostedMemory, record: number, most: number, stats: DeviceStats) {
    memory.ensure();
    const word = (offset: number): number => memory.i32[(record + offset) >>> 2] as number;
    this.#memory = memory;
    this.#stats = stats;
    this.#count = Math.min(most, word(POSTED_COUNT));
    this.#stride = word(POSTED_STRIDE);
    this.#first = word(POSTED_FIRST) >>> 0;
    this.#filledAt = (record + POSTED_FILLED) >>> 2;
    this.#lengthsAt = (record + POSTED_LENGTHS) >>> 2;
    this.#readAt = (record + POSTED_READ) >>> 2;
  }

  /** Frames that wait. */
  get filled(): number {
    this.#memory.ensure();
    return this.#memory.i32[this.#filledAt] as number;
  }

  /** The bytes to copy. Send buffers are used over and over, so the same places come again. */
  #view(memory: Uint8Array, from: number, bytes: number): Uint8Array {
    const k = (from >>> 3) & (VIEWS - 1);
    if (this.#viewFrom[k] === from && this.#viewBytes[k] === bytes) return this.#views[k] as Uint8Array;
    const view = memory.subarray(from, from + bytes);
    this.#viewFrom[k] = from;
    this.#viewBytes[k] = bytes;
    this.#views[k] = view;
    return view;
  }

  #compare(memory: Uint8Array, parts: Int32Array): boolean {
    this.#bytes = memory;
    this.#words = parts;
    this.#alike = memory.buffer === parts.buffer;
    this.#viewBytes.fill(0);
    return this.#alike;
  }

  /** Has the reader look for older frames with fd_read first. */
  readFirst(): void {
    this.#memory.ensure();
    this.#memory.i32[this.#readAt] = 1;
  }

  /** Gathers a frame of `length` bytes into the next buffer; returns how many waited before it, -1 if there is no room. */
  put(memory: Uint8Array, parts: Int32Array, first: number, count: number, length: number): number {
    this.#memory.ensure();
    const { u8, i32 } = this.#memory;
    const filled = i32[this.#filledAt] as number;
    if (filled >= this.#count) return -1;
    const alike = memory === this.#bytes && parts === this.#words ? this.#alike : this.#compare(memory, parts);
    let to = this.#first + filled * this.#stride;
    for (let i = first, end = first + 2 * count; i < end; i += 2) {
      const from = (parts[i] as number) >>> 0;
      const bytes = (parts[i + 1] as number) >>> 0;
      if (bytes > LOOP_BYTES) u8.set(this.#view(memory, from, bytes), to);
      else if (((from ^ to) & 3) === 0 && alike) copyWords(memory, parts, from, u8, i32, to, bytes);
      else for (let k = 0; k < bytes; k++) u8[to + k] = memory[from + k] as number;
      to += bytes;
    }
    i32[this.#lengthsAt + filled] = length;
    i32[this.#filledAt] = filled + 1;
    this.#stats.inFrames++;
    this.#stats.inBytes += length;
    return filled;
  }
}

/** Copies between places that are alike modulo 4, word by word in the middle: how headers lie in both memories. */
function copyWords(from8: Uint8Array, from32: Int32Array, from: number, to8: Uint8Array, to32: Int32Array, to: number, bytes: number): void {
  let at = 0;
  for (; at < bytes && ((from + at) & 3) !== 0; at++) to8[to + at] = from8[from + at] as number;
  const words = (bytes - at) >>> 2;
  const source = (from + at) >>> 2;
  const target = (to + at) >>> 2;
  for (let k = 0; k < words; k++) to32[target + k] = from32[source + k] as number;
  for (at += words * 4; at < bytes; at++) to8[to + at] = from8[from + at] as number;
}
