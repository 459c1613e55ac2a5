/** Payload is a function of the stream offset, so that every byte that arrives says where it belongs. */

/** The byte at an offset of a stream; `seed` keeps the two directions apart. */
export function patternByte(offset: number, seed: number): number {
  const x = Math.imul((offset + seed) | 0, 0x9e3779b1);
  return (x >>> 24) ^ (offset & 0xff);
}

export class Stream {
  readonly #seed: number;
  /** Bytes a script wrote literally (`write(4, "GET", 3)`), by offset. */
  readonly #literal: { at: number; bytes: Uint8Array }[] = [];

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Records that these bytes stand at `at`. */
  put(at: number, bytes: Uint8Array): void {
    this.#literal.push({ at, bytes });
  }

  bytes(at: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) out[i] = patternByte(at + i, this.#seed);
    for (const piece of this.#literal) {
      const from = Math.max(at, piece.at);
      const to = Math.min(at + length, piece.at + piece.bytes.length);
      for (let o = from; o < to; o++) out[o - at] = piece.bytes[o - piece.at] as number;
    }
    return out;
  }

  /** Offset of the first byte that is not what it should be, or -1. */
  differsAt(at: number, bytes: Uint8Array): number {
    const want = this.bytes(at, bytes.length);
    const first = want.findIndex((b, i) => b !== bytes[i]);
    return first < 0 ? -1 : at + first;
  }
}
