/** xoshiro128**, seeded from the host's random_get: jitter and starting points, never a secret by itself. */

let s0: u32 = 1;
let s1: u32 = 0;
let s2: u32 = 0;
let s3: u32 = 0;

export function prngSeed(a: u32, b: u32, c: u32, d: u32): void {
  s0 = a; s1 = b; s2 = c; s3 = d;
  if (!(a | b | c | d)) s0 = 1; // the all-zero state is the generator's only fixed point
}

export function random32(): u32 {
  const result = rotl<u32>(s1 * 5, 7) * 9;
  const t = s1 << 9;
  s2 ^= s0; s3 ^= s1; s1 ^= s2; s0 ^= s3;
  s2 ^= t;
  s3 = rotl<u32>(s3, 11);
  return result;
}

/** Uniform in [0, n), n > 0, without a 64-bit division. */
export function randomBelow(n: u32): u32 { return <u32>((<u64>random32() * <u64>n) >> 32); }
