/** Token buckets: how often the stack may do what a peer can provoke. */
import { now } from "../base/time";

// @ts-ignore: decorator
@unmanaged
export class Bucket {
  /** Thousandths of a token. */
  credit: u32;
  /** When the credit was counted last. */
  counted: u32;
}

/** Longest time that is credited at once, milliseconds: more fills any bucket. */
const SPAN_MAX: u32 = 1 << 16;

export function limitReset(b: Bucket, burst: u32): void { b.credit = burst * 1000; b.counted = now; }

/** Takes a token if there is one; `perSecond` (up to 10,000) come back, `burst` are kept. */
export function limitTake(b: Bucket, perSecond: u32, burst: u32): bool {
  b.credit = min<u32>(b.credit + min<u32>(now - b.counted, SPAN_MAX) * perSecond, burst * 1000);
  b.counted = now;
  if (b.credit < 1000) return false;
  b.credit -= 1000;
  return true;
}
