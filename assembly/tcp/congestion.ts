/**
 * Congestion control: slow start and congestion avoidance counted in bytes (RFC 5681, RFC 3465), initial window RFC 6928, the reduction and
 * how it is spread over a recovery (RFC 6937). NewReno here, CUBIC in tcp/cubic: each connection has one of them.
 * The only file that writes cwnd and ssthresh. All amounts are bytes. `flight` is what was outstanding when the event happened.
 *
 * ACKs that arrive together are taken one after the other before anything may leave: what the earlier ones acknowledged has not been replaced
 * when the later ones come, though the window was in use all the time. So the FlightSize of RFC 5681 is that of the last time the
 * connection could send, if that was more (not in tiny, whose windows are a few segments).
 */
import { CONFIG_FEATURES, FEATURE_CUBIC } from "../abi/config";
import { CONGESTION_CUBIC, CONGESTION_NEWRENO } from "../abi/sockets";
import { config } from "../base/config";
import { ECE } from "../wire/tcp";
import { AGREED_CWR_OWED, AGREED_ECN, lossDrop, lossTake, M_URGENT_DUE, M_URGENT_HELD, M_URGENT_MARK, M_URGENT_OUT, Tcb, TF_LOWERED } from "./tcb";
import { segFlags } from "./segment_in";
import { cubicAcked, cubicDecrease, cubicPause, cubicTimeout } from "./cubic";

/** Far above any window: keeps sequence arithmetic valid. */
const CWND_MAX: u32 = 1 << 30;
const IW_BYTES: u32 = 14600;
/** L of RFC 3465 §2.2: segments that one ACK lets a window grow by in slow start; one while a timeout is repaired (§2.3). */
const ABC_LIMIT: u32 = 2;

/** RFC 6928 §2: min(10 MSS, max(2 MSS, 14600)). */
function initialWindow(mss: u32): u32 { return min<u32>(10 * mss, max<u32>(2 * mss, IW_BYTES)); }

// @ts-ignore: decorator
@inline function isCubic(t: Tcb): bool { return !TINY && <u32>t.congestion == CONGESTION_CUBIC && t.loss != 0; }

/** What connections use whose socket does not choose. */
export function congestionDefault(): u32 { return config(CONFIG_FEATURES) & FEATURE_CUBIC ? CONGESTION_CUBIC : CONGESTION_NEWRENO; }

/** FlightSize, as said above. */
// @ts-ignore: decorator
@inline function flightSize(t: Tcb, flight: u32): u32 { return TINY ? flight : max(flight, t.outstanding); }

/** The connection is established. RFC 5681 §3.1: after a lost SYN the initial window is one segment. */
export function ccStart(t: Tcb, synLost: bool): void {
  const mss = <u32>t.sndMss;
  t.cwnd = synLost ? mss : initialWindow(mss);
  t.ssthresh = CWND_MAX;
}

/** `acked` bytes were acknowledged in order. `slow`: while repairing a timeout, growth is one segment per ACK (RFC 3465 §2.3). */
export function ccAcked(t: Tcb, acked: u32, flight: u32, slow: bool): void {
  const mss = <u32>t.sndMss;
  // RFC 3168 §6.1.2: an ACK that echoes a mark lets nothing grow.
  if (!TINY && t.agreed & AGREED_ECN && segFlags & ECE) return;
  // A window that is not used says nothing about the path (RFC 7661 §4.1).
  if (!slow && flightSize(t, flight) < t.cwnd >> 1) {
    if (isCubic(t)) cubicPause(t);
    return;
  }
  if (t.cwnd < t.ssthresh) {
    t.cwnd = min(CWND_MAX, t.cwnd + min(acked, slow ? mss : ABC_LIMIT * mss));
    return;
  }
  if (isCubic(t)) {
    t.cwnd = cubicAcked(t, acked, CWND_MAX);
    return;
  }
  // RFC 3465 §2.1: a segment more for each window's worth of bytes.
  t.bytesAcked += acked;
  if (t.bytesAcked < t.cwnd) return;
  t.bytesAcked -= t.cwnd;
  t.cwnd = min(CWND_MAX, t.cwnd + mss);
}

/** Half of what was outstanding (RFC 5681 equation 4), or seven tenths of the window (RFC 9438 §4.6); at least two segments. */
function decrease(t: Tcb, inFlight: u32): void {
  if (!TINY) lossTake(t);
  const flight = flightSize(t, inFlight);
  t.bytesAcked = 0;
  if (!TINY && t.agreed & AGREED_ECN) {
    // RFC 3168 §6.1.2: the next new text says so, and marks of what is outstanding are answered by that.
    t.ecnHigh = t.sndNxt;
    t.agreed |= AGREED_CWR_OWED;
  }
  if (isCubic(t)) t.ssthresh = max<u32>(cubicDecrease(t, min(flight, t.cwnd)), 2 * <u32>t.sndMss);
  else t.ssthresh = max<u32>(flight >> 1, 2 * <u32>t.sndMss);
}

/** The third duplicate ACK (RFC 5681 §3.2 step 2 and 3). */
export function ccLoss(t: Tcb, flight: u32): void {
  decrease(t, flight);
  t.cwnd = t.ssthresh + 3 * <u32>t.sndMss;
}

/** Loss is known from SACK (RFC 6675 §5 step 4.2), or the network marked a segment (RFC 3168 §6.1.2). */
export function ccSackLoss(t: Tcb, flight: u32): void {
  decrease(t, flight);
  t.cwnd = t.ssthresh;
  if (TINY) return;
  // What ACKs before this one acknowledged without anything leaving for it counts as delivered in this recovery.
  t.prrFlight = flightSize(t, flight);
  t.prrDelivered = t.prrFlight - flight;
  t.prrOut = 0;
}

/**
 * PRR (RFC 6937 §3): while a loss known from SACK is repaired an ACK that tells of `delivered` bytes lets as many leave as bring the
 * `pipe` bytes in the network to ssthresh by the end of the recovery; below it the pipe grows as in slow start (PRR-SSRB).
 */
export function ccRepairAcked(t: Tcb, delivered: u32, pipe: u32): void {
  t.prrDelivered += delivered;
  const out = t.prrOut, limit = t.ssthresh;
  let send: i32;
  if (pipe > limit) {
    const flight = <u64>max<u32>(1, t.prrFlight);
    send = <i32>(<u32>((<u64>t.prrDelivered * <u64>limit + flight - 1) / flight) - out);
  } else {
    const most = max<i32>(<i32>(t.prrDelivered - out), <i32>delivered) + <i32>t.sndMss;
    send = min<i32>(<i32>(limit - pipe), most);
  }
  t.cwnd = pipe + <u32>max<i32>(0, send);
}

/** The repair by SACK is complete (RFC 6937 §3): as the reduction has it. */
export function ccRepaired(t: Tcb): void { t.cwnd = t.ssthresh; }

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

/** The retransmission timer expired; `first` time for this data (RFC 5681 §3.1). What it takes can be given back (ccUndo). */
export function ccTimeout(t: Tcb, flight: u32, first: bool): void {
  if (first) {
    if (!TINY && lossTake(t)) ccKeep(t);
    decrease(t, flight);
    if (isCubic(t)) cubicTimeout(t);
  }
  t.cwnd = <u32>t.sndMss;
}

/** Remembers the window for ccUndo. */
export function ccKeep(t: Tcb): void {
  t.undoWindow = t.cwnd;
  t.undoThreshold = t.ssthresh;
  t.undoMax = t.cubicMax;
}

/** The timeout was spurious (RFC 5682), or the loss one of the path's size: the window is what it was. */
export function ccUndo(t: Tcb): void {
  t.cwnd = max(t.cwnd, t.undoWindow);
  t.ssthresh = max(t.ssthresh, t.undoThreshold);
  t.cubicMax = t.undoMax;
}

/** Sending starts again after more than a retransmission timeout of silence (RFC 5681 §4.1). */
export function ccIdle(t: Tcb): void {
  t.cwnd = min(t.cwnd, initialWindow(<u32>t.sndMss));
  if (isCubic(t)) cubicPause(t);
}

/**
 * Gives t's Loss block back if nothing of it matters any more: all that was sent is acknowledged, nothing is held beyond a gap or to be
 * told, and the window was never reduced.
 */
export function lossOver(t: Tcb): void {
  if (t.sndNxt != t.sndUna || t.ssthresh != CWND_MAX || t.outOfOrder || t.sacked || t.repairs || t.dupStart != t.dupEnd) return;
  if (t.flags & TF_LOWERED || t.recovery || t.watched || t.frto || t.marks & (M_URGENT_DUE | M_URGENT_MARK | M_URGENT_HELD | M_URGENT_OUT)) return;
  lossDrop(t);
}
