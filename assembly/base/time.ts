/**
 * The core's clock: milliseconds as a 32-bit serial number built from nanosecond deltas (seam.md, Time).
 * Comparisons are serial (base/seq), so the wrap after 49.7 days is invisible.
 */

/** Milliseconds now: constant between two samples. */
export let now: u32 = 0;
let lastNs: u64 = 0;
let remainderNs: u32 = 0;
let started: bool = false;

/** A longer gap counts as this much: every deadline lies nearer, so all of them are due and none wraps (12.4 days). */
const GAP_LIMIT_MS: u32 = 1 << 30;
const NS_PER_MS: u32 = 1000000;

/** Restarts the clock at `origin`; the next sample defines its zero. */
export function timeReset(origin: u32): void { now = origin; started = false; remainderNs = 0; }

/** Takes a monotonic reading in nanoseconds. A clock that goes backwards is taken as standing still. */
export function timeSample(ns: u64): void {
  if (!started) { started = true; lastNs = ns; return; }
  if (ns <= lastNs) return;
  const delta = ns - lastNs;
  lastNs = ns;
  if (delta < 0xf0000000) {
    const total = <u32>delta + remainderNs;
    const ms = total / NS_PER_MS;
    remainderNs = total - ms * NS_PER_MS;
    now += ms;
    return;
  }
  remainderNs = 0;
  now += gapToMs(delta);
}

/** Nanoseconds to milliseconds for long gaps with 32-bit divisions only: ns/64 divided by 15,625 in two digits. */
function gapToMs(delta: u64): u32 {
  const high = delta >> 22;
  if (high >= 0x100000000) return GAP_LIMIT_MS;
  const q = <u32>high / 15625, r = <u32>high - q * 15625;
  if (q >= GAP_LIMIT_MS >> 16) return GAP_LIMIT_MS;
  return (q << 16) + ((r << 16) | (<u32>(delta >> 6) & 0xffff)) / 15625;
}

/** True once the deadline `at` has come. */
// @ts-ignore: decorator
@inline export function due(at: u32): bool { return <i32>(now - at) >= 0; }

/** Milliseconds from now until `at`, 0 if it has come. */
// @ts-ignore: decorator
@inline export function until(at: u32): u32 { return due(at) ? 0 : at - now; }
