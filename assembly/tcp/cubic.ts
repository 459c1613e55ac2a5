/**
 * CUBIC (RFC 9438) in integers: windows in bytes, time in milliseconds, C = 0.4, beta = 0.7. Not in tiny.
 * The window is a function of the time since the last reduction, so it grows the same on short paths and long ones.
 */
import { now } from "../base/time";
import { Tcb } from "./tcb";

/** 1 / C in units of bytes, MSS and ms: W(t) = W_max + MSS (t - K)^3 / 2.5e9 (§4.2, figure 1); and that in two steps. */
const PER_CUBE: u64 = 2500000000;
const PER_CUBE_FIRST: i64 = 2500;
const PER_CUBE_THEN: i64 = 1000000;
/** Longest |t - K|, ms, longer than any K: nothing overflows 63 bits. */
const SPAN_MOST: i32 = 400000;

/** The largest integer whose cube is at most `x`: a digit of base 8 a turn, with neither division nor floating point. */
export function cubeRoot(x: u64): u32 {
  let root: u64 = 0;
  for (let s = 63; s >= 0; s -= 3) {
    root <<= 1;
    const more = 3 * root * (root + 1) + 1;
    if (x >> <u64>s >= more) {
      x -= more << <u64>s;
      root++;
    }
  }
  return <u32>root;
}

/** K: milliseconds until a window of `cwnd` has grown to `wMax` again (§4.2, figure 2). */
export function cubicK(wMax: u32, cwnd: u32, mss: u32): u32 {
  return wMax > cwnd ? cubeRoot(<u64>(wMax - cwnd) * PER_CUBE / <u64>mss) : 0;
}

/** W_cubic(t), `t` ms after the reduction (§4.2, figure 1), at least 0 and at most `most`. */
export function cubicWindow(wMax: u32, k: u32, mss: u32, t: u32, most: u32): u32 {
  const d = <i64>max<i32>(-SPAN_MOST, min<i32>(SPAN_MOST, <i32>t - <i32>k)), cube = d * d * d / PER_CUBE_FIRST * <i64>mss / PER_CUBE_THEN;
  return <u32>max<i64>(0, min<i64>(<i64>most, <i64>wMax + cube));
}

/** A loss or a mark with the window at `window`: what it becomes (§4.6). W_max is lowered further if it shrinks again (§4.7). */
export function cubicDecrease(t: Tcb, window: u32): u32 {
  t.cubicMax = window < t.cubicMax ? <u32>(<u64>window * 17 / 20) : window;
  t.cubicPrior = window;
  t.cubicRuns = false;
  return <u32>(<u64>window * 7 / 10);
}

/** §4.8: after a timeout W_max is the window at which congestion avoidance begins, and K is 0. */
export function cubicTimeout(t: Tcb): void { t.cubicMax = 0; }

/** Time in which the window is not used does not count (§5.8): congestion avoidance begins anew from where it is. */
export function cubicPause(t: Tcb): void { t.cubicRuns = false; }

function begin(t: Tcb): void {
  t.cubicRuns = true;
  t.cubicAt = now;
  t.cubicK = cubicK(t.cubicMax, t.cwnd, t.sndMss);
  if (t.cwnd > t.cubicMax) t.cubicMax = t.cwnd;
  t.cubicReno = t.cwnd;
  t.bytesAcked = 0;
}

/** W_est: what Reno's rule would have by now, alpha = 9/17 until the window before the reduction is reached, then 1 (§4.3). */
function friendly(t: Tcb, acked: u32): u32 {
  t.bytesAcked += acked;
  if (t.bytesAcked >= t.cwnd) {
    t.bytesAcked -= t.cwnd;
    t.cubicReno += t.cubicReno < t.cubicPrior ? <u32>t.sndMss * 9 / 17 : t.sndMss;
  }
  return t.cubicReno;
}

/** Congestion avoidance: the window after `acked` more bytes, at most `most` (§4.2 to §4.5). */
export function cubicAcked(t: Tcb, acked: u32, most: u32): u32 {
  if (!t.cubicRuns) begin(t);
  const cwnd = t.cwnd, mss = <u32>t.sndMss, age = now - t.cubicAt, reno = min(friendly(t, acked), most);
  if (cubicWindow(t.cubicMax, t.cubicK, mss, age, most) < reno) return max(cwnd, reno);
  // Where the curve will be a round trip from now, no more than half as much again.
  const target = min(cubicWindow(t.cubicMax, t.cubicK, mss, age + (t.srtt >> 3), most), cwnd + (cwnd >> 1));
  return target > cwnd ? cwnd + <u32>(<u64>(target - cwnd) * <u64>min(acked, cwnd) / <u64>cwnd) : cwnd;
}
