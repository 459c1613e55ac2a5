/** Randomness: the system's for keys and sequence numbers, a seeded generator for runs that must repeat. */

export interface RandomSource {
  /** Fills `length` bytes of `target` from `offset`. */
  fill(target: Uint8Array, offset: number, length: number): void;
}

/** getRandomValues refuses more than this at once. */
const CRYPTO_CHUNK = 65536;

/** The operating system's generator, through Web Crypto. */
export const systemRandom: RandomSource = {
  fill(target, offset, length) {
    for (let done = 0; done < length; done += CRYPTO_CHUNK) {
      const start = offset + done;
      crypto.getRandomValues(target.subarray(start, start + Math.min(CRYPTO_CHUNK, length - done)) as Uint8Array<ArrayBuffer>);
    }
  },
};

function rotateLeft(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

/**
 * xoshiro128** 1.1 (Blackman and Vigna), seeded from 32 bits through SplitMix32. The same seed gives the same sequence on
 * every platform. Not for keys: a run on it is predictable by design.
 */
export class SeededRandom implements RandomSource {
  readonly seed: number;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed Any integer; its low 32 bits count. */
  constructor(seed: number) {
    this.seed = seed >>> 0;
    let state = this.seed;
    const split = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return z ^ (z >>> 16);
    };
    this.#a = split();
    this.#b = split();
    this.#c = split();
    // The all-zero state is the one the generator cannot leave.
    this.#d = split() | 1;
  }

  /** Next 32 random bits, as an unsigned integer. */
  next(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }

  /** Uniform in [0, 1), 32 bits of it. */
  float(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** Uniform integer in [0, bound), bound 1 to 2^32. */
  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  fill(target: Uint8Array, offset: number, length: number): void {
    for (let i = 0; i < length; i += 4) {
      const word = this.next();
      const end = Math.min(4, length - i);
      for (let k = 0; k < end; k++) target[offset + i + k] = word >>> (k * 8);
    }
  }
}
