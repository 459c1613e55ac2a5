/**
 * The retransmission timer (RFC 6298) and the repair of losses: by SACK (RFC 6675), or fast retransmit and NewReno (RFC 5681, RFC 6582),
 * slow-start repair after a timeout, and the timer that probes a closed window (RFC 9293 §3.8.6.1).
 */
import { CONFIG_FEATURES, CONFIG_RTO_MAX_MS, CONFIG_RTO_MIN_MS, CONFIG_RTO_SLOP_MS, FEATURE_FRTO } from "../abi/config";
import { STAT_TCP_DUP_ACKS, STAT_TCP_FAST_RETRANS, STAT_TCP_TIMEOUTS } from "../abi/stats";
import { config } from "../base/config";
import { count } from "../base/counters";
import { seqGeq, seqGt, seqLt, seqMax } from "../base/seq";
import { now } from "../base/time";
import { ccAcked, ccDuplicate, ccLoss, ccPartial, ccRecovered, ccRepairAcked, ccRepaired, ccSackLoss, ccTimeout, ccUndo } from "./congestion";
import { M_PROBE_NOW, M_RTT_KNOWN, M_RTT_TIMING, M_RTX_NOW, AGREED_SACK, AGREED_TIMESTAMPS, Tcb, TF_LOWERED } from "./tcb";
import { flag } from "./lists";
import { sackCertain, sackForget, sackHighest, sackMeasure, sackSkip } from "./scoreboard";
import { repairLost } from "./repairs";
import { sizeForgiven, sizeLost, sizeTimedOut } from "./pathsize";
import { arm, disarm, T_PERSIST, T_RACK, T_RTX } from "./timer";

/** Nothing is known to be missing. */
export const RECOVERY_NONE: u32 = 0;
/** Three duplicate ACKs came: the segment at SND.UNA is missing, perhaps more. */
export const RECOVERY_FAST: u32 = 1;
/** The timer expired: what is not acknowledged below `recover` is sent again as cwnd allows. */
export const RECOVERY_LOSS: u32 = 2;

/** The peer's SACK options tell what is missing: that is sent again as cwnd allows (RFC 6675). */
export const RECOVERY_SACK: u32 = 3;

/** `frto`: the first ACK after a timeout is awaited, or that of the new segments sent then. */
const FRTO_FIRST: u32 = 1;
const FRTO_NEW: u32 = 2;

const DUP_THRESHOLD: u32 = 3;
/** Doublings that count: beyond it RTO_MAX has long been reached. */
export const BACKOFF_MAX: u32 = 12;

/** The timeout with its backoff, at most RTO_MAX (RFC 6298 §5.5). */
export function rtoNow(t: Tcb): u32 {
  const limit = config(CONFIG_RTO_MAX_MS), backoff = <u32>t.backoff;
  return t.rto > limit >> backoff ? limit : t.rto << backoff;
}

/** Starts timing a segment that ends at `end`, unless one is being timed. */
export function rttBegin(t: Tcb, end: u32): void {
  if (t.marks & M_RTT_TIMING) return;
  t.marks |= M_RTT_TIMING;
  t.rttSeq = end;
  t.rttAt = now;
}

/** Karn: something was sent twice, so the running measurement would be ambiguous (RFC 6298 §3). */
// @ts-ignore: decorator
@inline export function rttCancel(t: Tcb): void { t.marks &= ~M_RTT_TIMING; }

/** Ends the measurement if `ack` covers the timed segment. A valid sample ends the backoff (RFC 6298 §5, last note). */
export function rttEnd(t: Tcb, ack: u32): void {
  if (!(t.marks & M_RTT_TIMING) || seqLt(ack, t.rttSeq)) return;
  t.marks &= ~M_RTT_TIMING;
  rttSample(t, min<u32>(now - t.rttAt, 1 << 20), 1);
}

/** `x` divided among `n` samples, away from zero: small differences add up too. */
// @ts-ignore: decorator
@inline function share(x: i32, n: i32): i32 { return n == 1 ? x : x > 0 ? (x + n - 1) / n : (x - n + 1) / n; }

/** A round trip of `r` milliseconds, one of `n` measured in it (RFC 7323 appendix G). */
export function rttSample(t: Tcb, r: u32, n: u32): void {
  if (t.marks & M_RTT_KNOWN) {
    // RFC 6298 §2.3 with alpha 1/8 and beta 1/4; srtt is kept ×8, rttvar ×4.
    const error = <i32>r - <i32>(t.srtt >> 3);
    t.rttvar += <u32>share(abs(error) - <i32>(t.rttvar >> 2), <i32>n);
    t.srtt += <u32>share(error, <i32>n);
  } else {
    t.marks |= M_RTT_KNOWN;
    t.srtt = r << 3;
    t.rttvar = r << 1;
  }
  if (!TINY && (r < t.minRtt || !t.minRtt)) t.minRtt = max<u32>(1, r);
  t.rto = min(max((t.srtt >> 3) + max<u32>(1, t.rttvar) + config(CONFIG_RTO_SLOP_MS), config(CONFIG_RTO_MIN_MS)), config(CONFIG_RTO_MAX_MS));
  t.backoff = 0;
}

/** Nothing is owed to the past any more: the next loss starts afresh. */
export function recoveryReset(t: Tcb): void {
  t.recovery = <u8>RECOVERY_NONE;
  t.dupAcks = 0;
  t.recover = t.sndUna;
  t.rtxNxt = t.sndUna;
  if (!TINY) t.rackLost = t.sndUna;
}

/** SND.UNA has advanced by `acked`, of `flight` outstanding. */
// @ts-ignore: decorator
@inline export function recoveryAcked(t: Tcb, acked: u32, flight: u32): void {
  t.dupAcks = 0;
  const recovery = <u32>t.recovery;
  if (!TINY && seqLt(t.rackLost, t.sndUna)) t.rackLost = t.sndUna;
  measure(t);
  if (recovery == RECOVERY_NONE) {
    // Kept close behind, so that serial comparison stays valid however much is transferred.
    if (seqGt(t.sndUna, t.recover)) t.recover = t.sndUna;
    ccAcked(t, acked, flight, false);
    if (!TINY && t.agreed & AGREED_SACK) sackLost(t);
    return;
  }
  if (seqGeq(t.sndUna, t.recover)) {
    const forgiven = !TINY && (t.flags & TF_LOWERED) != 0 && sizeForgiven(t);
    if (!TINY && forgiven) ccUndo(t);
    else if (recovery == RECOVERY_FAST) ccRecovered(t, t.sndNxt - t.sndUna);
    else if (!TINY && recovery == RECOVERY_SACK) ccRepaired(t);
    else if (!TINY && t.frto == FRTO_NEW) spurious(t);
    if (!TINY) {
      t.frto = 0;
      if (t.reorderKept && !--t.reorderKept) t.reorderSteps = 0;
    }
    t.recovery = <u8>RECOVERY_NONE;
    return;
  }
  if (recovery == RECOVERY_SACK) return;
  if (recovery == RECOVERY_FAST) {
    // A partial ACK: the next hole starts right here (RFC 6582 §3.2 step 3).
    ccPartial(t, acked);
    t.marks |= M_RTX_NOW;
  } else {
    if (seqLt(t.rtxNxt, t.sndUna)) t.rtxNxt = t.sndUna;
    if (!TINY && t.frto && frtoAcked(t)) return;
    ccAcked(t, acked, flight, true);
  }
}

/**
 * F-RTO (RFC 5682 §2.1): after a timeout the first ACK that goes on lets two new segments leave instead of repetitions, if there is
 * something new and room for it. If the next one goes on too, the originals are arriving: nothing was lost. True if the ACK is dealt with.
 */
function frtoAcked(t: Tcb): bool {
  if (t.frto == FRTO_NEW) {
    spurious(t);
    return true;
  }
  t.frto = 0;
  if (seqGeq(t.sndNxt, t.sndEnd)) return false;
  const more = min<u32>(2 * <u32>t.sndMss, t.sndEnd - t.sndNxt);
  if (t.sndNxt - t.sndUna + more > t.sndWnd) return false;
  t.frto = FRTO_NEW;
  t.frtoEnd = t.sndNxt + more;
  return true;
}

/** The timeout was spurious: what was to be sent again is not, and the window is as it was. */
function spurious(t: Tcb): void {
  t.frto = 0;
  t.recovery = <u8>RECOVERY_NONE;
  ccUndo(t);
}

/** While a repair by SACK goes on: `delivered` bytes more have arrived. */
export function repairAcked(t: Tcb, delivered: u32): void { ccRepairAcked(t, delivered, t.sndNxt - t.sndUna - t.leftNetwork); }

/** A duplicate ACK arrived while data is outstanding. */
export function recoveryDuplicate(t: Tcb): void {
  count(STAT_TCP_DUP_ACKS);
  if (t.dupAcks < 255) t.dupAcks++;
  if (!TINY) t.frto = 0; // RFC 5682 §2.1 steps 2a and 3a: a duplicate says that something is missing
  if (!TINY && t.agreed & AGREED_SACK) {
    measure(t);
    if (<u32>t.recovery == RECOVERY_NONE) sackLost(t);
    return;
  }
  if (<u32>t.recovery == RECOVERY_FAST) {
    ccDuplicate(t);
    return;
  }
  // RFC 6582 §3.2 step 2: duplicates of what an earlier repair already covers start no new one.
  if (<u32>t.recovery != RECOVERY_NONE || <u32>t.dupAcks != DUP_THRESHOLD || !seqGeq(t.sndUna, t.recover)) return;
  t.recovery = <u8>RECOVERY_FAST;
  t.recover = t.sndNxt;
  count(STAT_TCP_FAST_RETRANS);
  if (!TINY && t.flags & TF_LOWERED) sizeLost(t);
  ccLoss(t, t.sndNxt - t.sndUna);
  t.marks |= M_RTX_NOW;
  rttCancel(t);
}

/** What is in the network now, by the peer's SACK options. */
export function measure(t: Tcb): void {
  if (!TINY && t.agreed & AGREED_SACK) sackMeasure(t, <u32>t.recovery == RECOVERY_SACK ? t.rtxNxt : t.sndUna);
}

/** DupThresh is reached, by ACKs or by what the peer has beyond SND.UNA. */
export function sackEnough(t: Tcb): bool { return <u32>t.dupAcks >= DUP_THRESHOLD || sackCertain; }

/** RFC 6675 §5: begins a recovery if three ACKs told of more, or the peer has enough beyond SND.UNA. */
export function sackLost(t: Tcb): void {
  if ((!(sackEnough(t) && !t.reordered) && !seqGt(t.lostEdge, t.sndUna)) || !seqGeq(t.sndUna, t.recover)) return;
  t.recovery = <u8>RECOVERY_SACK;
  t.tailProbe = 0;
  t.recover = t.sndNxt;
  t.rtxNxt = t.sndUna;
  count(STAT_TCP_FAST_RETRANS);
  if (t.flags & TF_LOWERED) sizeLost(t);
  ccSackLoss(t, t.sndNxt - t.sndUna);
  t.marks |= M_RTX_NOW;
  t.rescued = false;
  rttCancel(t);
  flag(t);
}

/** True while a repair by SACK is going on and cwnd has room for a segment more. */
export function mayRepair(t: Tcb): bool {
  if (TINY || <u32>t.recovery != RECOVERY_SACK) return false;
  return <i32>(t.sndNxt - t.sndUna - t.leftNetwork + <u32>t.sndMss) <= <i32>t.cwnd;
}

/** Where the next segment to send again begins: a repetition that was lost, NextSeg rule 1, `all`: rule 3 also; SND.NXT if nothing is. */
export function repairNext(t: Tcb, all: bool): u32 {
  const again = repairLost(t);
  if (again != t.sndNxt) return again;
  const at = sackSkip(t, seqMax(t.rtxNxt, t.sndUna));
  return seqLt(at, all ? sackHighest(t) : t.lostEdge) ? at : t.sndNxt;
}

/** Sends everything outstanding again, as the window allows, without taking it for congestion. */
export function resendAll(t: Tcb): void {
  if (t.sndNxt == t.sndUna) return;
  t.recovery = <u8>RECOVERY_LOSS;
  t.recover = t.sndNxt;
  t.rtxNxt = t.sndUna;
  t.dupAcks = 0;
  if (!TINY) {
    t.frto = 0;
    sackForget(t);
    disarm(t, T_RACK);
    t.rackWaits = false;
    t.tailProbe = 0;
  }
  t.marks &= ~M_RTX_NOW;
  rttCancel(t);
  flag(t);
}

/** The retransmission timer expired with data outstanding (RFC 6298 §5.4 to §5.6). */
export function retransmitTimeout(t: Tcb): void {
  if (t.sndNxt == t.sndUna) return;
  count(STAT_TCP_TIMEOUTS);
  if (!TINY && t.flags & TF_LOWERED) sizeTimedOut(t);
  const first = t.backoff == 0;
  if (<u32>t.backoff < BACKOFF_MAX) t.backoff++;
  if (!TINY && t.agreed & AGREED_TIMESTAMPS) t.rttAt = now;
  if (t.sndWnd == 0) {
    // The peer took its window back: one byte is enough to hear from it (RFC 9293 §3.8.6).
    t.marks |= M_PROBE_NOW;
    rttCancel(t);
  } else {
    const again = <u32>t.recovery == RECOVERY_LOSS || !first;
    ccTimeout(t, t.sndNxt - t.sndUna, first);
    resendAll(t);
    // §2.1 step 1: not if this very data timed out before.
    if (!TINY && !again && config(CONFIG_FEATURES) & FEATURE_FRTO && t.loss) t.frto = FRTO_FIRST;
  }
  arm(t, T_RTX, rtoNow(t));
  flag(t);
}

/** Nothing is outstanding and the window lets nothing useful go: probe after a timeout, then ever more rarely. */
export function persistStart(t: Tcb): void { arm(t, T_PERSIST, rtoNow(t)); }

export function persistTimeout(t: Tcb): void {
  t.marks |= M_PROBE_NOW;
  if (<u32>t.backoff < BACKOFF_MAX) t.backoff++;
  arm(t, T_PERSIST, rtoNow(t));
  flag(t);
}

/** The end of what may leave now whatever cwnd says, SND.NXT if there is none: F-RTO's two new segments. */
// @ts-ignore: decorator
@inline export function frtoLimit(t: Tcb): u32 { return !TINY && t.frto == FRTO_NEW ? t.frtoEnd : t.sndNxt; }

/** Bytes beyond cwnd that the first two duplicate ACKs permit (RFC 3042, limited transmit). */
export function limitedTransmit(t: Tcb): u32 {
  // With SACK it is known what has left the network (RFC 6675 §5 step 3).
  if (!TINY && t.agreed & AGREED_SACK) return <u32>t.recovery == RECOVERY_LOSS ? 0 : t.leftNetwork;
  return <u32>t.recovery == RECOVERY_NONE && <u32>t.dupAcks < DUP_THRESHOLD ? <u32>t.dupAcks * <u32>t.sndMss : 0;
}

/** True while a repair after a timeout has segments left to send again. */
// @ts-ignore: decorator
@inline export function mayResend(t: Tcb): bool {
  return <u32>t.recovery == RECOVERY_LOSS && (TINY || t.frto != FRTO_NEW) && seqGt(t.recover, t.rtxNxt) && seqGt(t.sndNxt, t.rtxNxt);
}
