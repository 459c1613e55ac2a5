/** The stack's counters (abi/stats.ts): plain u32 that wrap. */
import { STAT_COUNT } from "../abi/stats";

const COUNTERS = memory.data(STAT_COUNT * 4, 4);

// @ts-ignore: decorator
@inline export function count(stat: u32): void {
  const p = COUNTERS + ((<usize>stat) << 2);
  store<u32>(p, load<u32>(p) + 1);
}
// @ts-ignore: decorator
@inline export function countBy(stat: u32, n: i32): void {
  const p = COUNTERS + ((<usize>stat) << 2);
  store<u32>(p, load<u32>(p) + <u32>n);
}
// @ts-ignore: decorator
@inline export function counterSet(stat: u32, v: u32): void { store<u32>(COUNTERS + ((<usize>stat) << 2), v); }
// @ts-ignore: decorator
@inline export function counter(stat: u32): u32 { return load<u32>(COUNTERS + ((<usize>stat) << 2)); }

export function countersPtr(): usize { return COUNTERS; }
export function countersReset(): void { memory.fill(COUNTERS, 0, <usize>STAT_COUNT * 4); }
