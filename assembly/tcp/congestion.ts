/**
 * Congestion control: slow start, congestion avoidance and the multiplicative decrease (RFC 5681, initial window RFC 6928).
 * The only file that computes cwnd and ssthresh; another algorithm replaces the bodies of these functions.
 * All amounts are bytes. `flight` is what was outstanding when the event happened.
 */
import { Tcb } from "./tcb";

/** Far above any window: keeps sequence arithmetic valid. */
const CWND_MAX: u32 = 1 << 30;
const IW_BYTES: u32 = 14600;

/** RFC 6928 §2: min(10 MSS, max(2 MSS, 14600)). */
function initialWindow(mss: u32): u32 { return min<u32>(10 * mss, max<u32>(2 * mss, IW_BYTES)); }

/** The connection is established. RFC 5681 §3.1: after a lost SYN the initial window is one segment. */
export function ccStart(t: Tcb, synLost: bool): void {
  const mss = <u32>t.sndMss;
  t.cwnd = synLost ? mss : initialWindow(mss);
  t.ssthresh = CWND_MAX;
}

/** `acked` bytes were acknowledged in order. `slow`: while repairing a timeout, growth is one segment per ACK (RFC 3465 §2.3). */
export function ccAcked(t: Tcb, acked: u32, flight: u32, slow: bool): void {
  const mss = <u32>t.sndMss;
  // A window that is not used says nothing about the path (RFC 7661 §4.1).
  if (!slow && flight < t.cwnd >> 1) return;
  let grow: u32;
  if (t.cwnd < t.ssthresh) grow = slow ? min(acked, mss) : acked;
  // In tiny a send buffer bounds what one ACK can cover: 32 bits do, and devices have no 64-bit division.
  else if (TINY) grow = max<u32>(1, mss * acked / t.cwnd);
  else grow = max<u32>(1, <u32>(<u64>mss * <u64>acked / <u64>t.cwnd));
  t.cwnd = min(CWND_MAX, t.cwnd + grow);
}

/** Half of what was outstanding, at least two segments (RFC 5681 equation 4). */
function decrease(t: Tcb, flight: u32): void { t.ssthresh = max<u32>(flight >> 1, 2 * <u32>t.sndMss); }

/** The third duplicate ACK (RFC 5681 §3.2 step 2 and 3). */
export function ccLoss(t: Tcb, flight: u32): void {
  decrease(t, flight);
  t.cwnd = t.ssthresh + 3 * <u32>t.sndMss;
}

/** Loss is known from SACK (RFC 6675 §5 step 4.2): what is sent from now on is measured by what is in the network. */
export function ccSackLoss(t: Tcb, flight: u32): void {
  decrease(t, flight);
  t.cwnd = t.ssthresh;
}

/** One more duplicate ACK in fast recovery: a segment has left the network (step 4). */
export function ccDuplicate(t: Tcb): void { t.cwnd = min(CWND_MAX, t.cwnd + <u32>t.sndMss); }

/** A partial ACK in fast recovery (RFC 6582 §3.2 step 3): deflate by what was acknowledged, inflate by one segment. */
export function ccPartial(t: Tcb, acked: u32): void {
  const mss = <u32>t.sndMss;
  t.cwnd = t.cwnd > acked + mss ? t.cwnd - acked : mss;
  if (acked >= mss) t.cwnd += mss;
}

/** Fast recovery is over: no burst (RFC 6582 §3.2 step 3, full acknowledgment, option 1). */
export function ccRecovered(t: Tcb, flight: u32): void {
  const mss = <u32>t.sndMss;
  t.cwnd = max(mss, min(t.ssthresh, max(flight, mss) + mss));
}

/** The retransmission timer expired; `first` time for this data (RFC 5681 §3.1). */
export function ccTimeout(t: Tcb, flight: u32, first: bool): void {
  if (first) decrease(t, flight);
  t.cwnd = <u32>t.sndMss;
}

/** Sending starts again after more than a retransmission timeout of silence (RFC 5681 §4.1). */
export function ccIdle(t: Tcb): void { t.cwnd = min(t.cwnd, initialWindow(<u32>t.sndMss)); }
