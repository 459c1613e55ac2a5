/** Pieces of a region of linear memory, each until it is given back: first fit over the gaps, which join. */
const ALIGN = 8;

interface Gap {
  at: number;
  length: number;
}

export class Heap {
  readonly size: number;
  /** In the order of addresses, never touching. */
  readonly #gaps: Gap[];
  readonly #taken = new Map<number, number>();

  constructor(start: number, size: number) {
    this.size = size;
    this.#gaps = size > 0 ? [{ at: start, length: size & ~(ALIGN - 1) }] : [];
  }

  /** Address of `bytes` bytes, a multiple of 8; undefined when no gap is large enough. */
  take(bytes: number): number | undefined {
    const length = (Math.max(bytes, 1) + ALIGN - 1) & ~(ALIGN - 1);
    const i = this.#gaps.findIndex((gap) => gap.length >= length);
    const gap = this.#gaps[i];
    if (!gap) return undefined;
    const { at } = gap;
    gap.at += length;
    gap.length -= length;
    if (gap.length === 0) this.#gaps.splice(i, 1);
    this.#taken.set(at, length);
    return at;
  }

  /** Gives back what `take` gave out. */
  give(at: number): void {
    const length = this.#taken.get(at);
    if (length === undefined) throw new RangeError(`heap: nothing was taken at ${at}`);
    this.#taken.delete(at);
    let i = this.#gaps.findIndex((gap) => gap.at > at);
    if (i < 0) i = this.#gaps.length;
    const [before, after] = [this.#gaps[i - 1], this.#gaps[i]];
    const joinsBefore = before !== undefined && before.at + before.length === at;
    const joinsAfter = after !== undefined && at + length === after.at;
    if (joinsBefore) {
      before.length += length + (joinsAfter ? after.length : 0);
      if (joinsAfter) this.#gaps.splice(i, 1);
    } else if (joinsAfter) {
      after.at = at;
      after.length += length;
    } else this.#gaps.splice(i, 0, { at, length });
  }

  /** Bytes not given out. */
  get free(): number {
    return this.#gaps.reduce((sum, { length }) => sum + length, 0);
  }
}
