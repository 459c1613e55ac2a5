/**
 * RACK-TLP (RFC 8985): time says what is lost, and a probe of the tail fetches the news that nothing else would bring. Not in tiny.
 *
 * Only what was sent again has a record of when (tcp/repairs). Of the rest the order of sending is that of sequence numbers: when the
 * peer reports something, all that stands below was sent before it, and what is still missing there a reordering window later is lost
 * (§6.2 step 5).
 */
import { CONFIG_FEATURES, FEATURE_RACK } from "../abi/config";
import { config } from "../base/config";
import { seqGeq, seqGt, seqLt, seqMax } from "../base/seq";
import { now } from "../base/time";
import { optionSackBlocks } from "../wire/tcp";
import { AGREED_SACK, lossTake, M_PROBE_NOW, M_RTT_KNOWN, TAIL_AGAIN, TAIL_DUE, TAIL_NEW, Tcb } from "./tcb";
import { flag } from "./lists";
import { arm, armed, armRack, disarm, T_PERSIST, T_RACK, T_RTX } from "./timer";
import { ccSackLoss } from "./congestion";
import { measure, RECOVERY_LOSS, RECOVERY_NONE, RECOVERY_SACK, repairAcked, rtoNow, sackEnough, sackLost } from "./retransmission";
import { repairsArrived, repairsDue, repairSent, repairsJudge } from "./repairs";
import { sackBefore, sackHighest, sackLate, sackTwice } from "./scoreboard";
import { segAck } from "./segment_in";

/** A peer may hold the ACK of a single segment back for this long, ms (TLP.max_ack_delay). */
const ACK_DELAY: u32 = 200;
/** A round trip below the clock's tick still takes the peer some time, ms. */
const PROBE_LEAST: u32 = 10;
/** Probe after this long if no round trip is known, ms (§7.2). */
const PROBE_UNKNOWN: u32 = 1000;
/** Recoveries for which a wider reordering window is kept (§6.2 step 4), and its most quarters of the smallest round trip beyond one. */
const REORDER_KEPT: u8 = 16;
const REORDER_STEPS: u8 = 16;

/** True if losses of this connection are found by time. */
// @ts-ignore: decorator
@inline export function rackOn(t: Tcb): bool { return !TINY && (t.agreed & AGREED_SACK) != 0 && (config(CONFIG_FEATURES) & FEATURE_RACK) != 0; }

/**
 * RACK.reo_wnd, ms (§6.2 step 4). A path that never changed the order gets no grace once a loss is certain by other means; else it is
 * quarters of the smallest round trip, never more than a smoothed one.
 */
function reorderWindow(t: Tcb): u32 {
  if (!t.reordered && (<u32>t.recovery != RECOVERY_NONE || sackEnough(t))) return 0;
  return max<u32>(1, min<u32>(t.minRtt * (1 + <u32>t.reorderSteps) >> 2, t.srtt >> 3));
}

/** §6.2 steps 3 and 4: what this ACK, which found SND.UNA at `una`, says about the path. */
function reorderLearn(t: Tcb, una: u32): void {
  const filled = t.sndUna != una && !t.repairs && <u32>t.recovery == RECOVERY_NONE && seqGt(sackBefore, una);
  if (filled || sackLate) t.reordered = true;
  if (!sackTwice || t.tailProbe || !seqGeq(t.sndUna, t.reorderRound)) return;
  // Once in a round trip: one needless repair or many are the same news.
  lossTake(t);
  t.reorderRound = t.sndNxt;
  if (t.reorderSteps < REORDER_STEPS) t.reorderSteps++;
  t.reorderKept = REORDER_KEPT;
}

/**
 * [start, end) was sent again: what is in the network has changed. While a recovery makes progress by SACK the timer does not expire in the
 * middle of it (RFC 6675 §6).
 */
export function repaired(t: Tcb, start: u32, end: u32): void {
  if (rackOn(t)) repairSent(t, start, end);
  measure(t);
  if (<u32>t.recovery == RECOVERY_SACK) arm(t, T_RTX, rtoNow(t));
}

/** An ACK was processed that found SND.UNA at `una`; `news`: it tells of something that arrived. */
// @ts-ignore: decorator
@inline export function rackArrive(t: Tcb, una: u32, news: bool): void {
  if (!rackOn(t)) return;
  if (t.reorderSteps || sackTwice || t.sacked || seqGt(sackBefore, una)) reorderLearn(t, una);
  else if (seqLt(t.reorderRound, una)) t.reorderRound = una;
  if (t.tailProbe) tailAnswered(t, news);
  if (t.rackWaits && seqGeq(t.sndUna, t.rackEdge)) t.rackWaits = false;
  if (t.sacked || t.repairs) judge(t);
  else if (t.sndNxt == t.sndUna) disarm(t, T_RACK);
  else if (news) tailWatch(t);
}

/** Nothing is missing, sent again or probed, and the segment has no blocks: an ACK that advances says nothing about losses. */
// @ts-ignore: decorator
@inline export function rackQuiet(t: Tcb): bool {
  return !(t.sacked | t.repairs | optionSackBlocks | <u32>t.recovery | t.watched | <u32>t.reorderSteps);
}

/** rackArrive where that is so. */
// @ts-ignore: decorator
@inline export function rackArriveQuietly(t: Tcb, una: u32): void {
  if (!rackOn(t)) return;
  if (seqLt(t.reorderRound, una)) t.reorderRound = una;
  if (t.sndNxt == t.sndUna) disarm(t, T_RACK); else tailWatch(t);
}

/** Steps 2 and 5 of §6.2: what was sent before something that has arrived is lost now, or after the reordering window. */
function judge(t: Tcb): void {
  measure(t);
  const highest = sackHighest(t);
  // Ticks cut up to 1 ms off a measurement.
  const edge = t.repairs ? seqMax(highest, repairsArrived(t, highest, t.minRtt ? t.minRtt - 1 : 0)) : highest;
  if (<u32>t.recovery != RECOVERY_LOSS && seqGt(edge, t.rackLost)) {
    const grace = reorderWindow(t);
    if (!grace) {
      t.rackWaits = false;
      t.rackLost = edge;
    } else if (!t.rackWaits) {
      t.rackWaits = true;
      t.rackEdge = edge;
      t.rackUntil = now + grace;
    }
  }
  settle(t);
}

/** Acts on what is lost now, and sets the timer for what may be. */
function settle(t: Tcb): void {
  const again = t.repairs != 0 && repairsJudge(t, t.minRtt + reorderWindow(t)), due = t.repairs ? repairsDue : 0;
  if (<u32>t.recovery != RECOVERY_LOSS) {
    measure(t);
    if (<u32>t.recovery == RECOVERY_NONE) sackLost(t); else if (again) flag(t);
  } else if (again) flag(t);
  if (t.rackWaits) {
    const left = max<i32>(1, <i32>(t.rackUntil - now));
    arm(t, T_RACK, due ? min<u32>(due, <u32>left) : <u32>left);
  } else if (due) arm(t, T_RACK, due);
  else disarm(t, T_RACK);
}

/** T_RACK: a reordering window is over, or nothing was heard of the tail. */
export function rackTimeout(t: Tcb): void {
  if (t.sndNxt == t.sndUna) {
    t.rackWaits = false;
    return;
  }
  if (!t.rackWaits && !t.repairs) {
    tailTimeout(t);
    return;
  }
  if (t.rackWaits && <i32>(now - t.rackUntil) >= 0) {
    t.rackWaits = false;
    if (seqGt(t.rackEdge, t.rackLost)) t.rackLost = t.rackEdge;
  }
  judge(t);
  if (<u32>t.recovery == RECOVERY_SACK) repairAcked(t, 0);
  flag(t);
}

/** §7.2: only where nothing else is going on, and once until it is answered. */
function mayProbe(t: Tcb): bool {
  return <u32>t.recovery == RECOVERY_NONE && !t.watched && t.sndWnd != 0 && !(t.marks & M_PROBE_NOW) && !t.backoff
    && !t.sacked && t.sndNxt != t.sndUna;
}

/** PTO: two round trips of silence. */
function tailDelay(t: Tcb): u32 {
  const delay = t.marks & M_RTT_KNOWN ? max<u32>(PROBE_LEAST, t.srtt >> 2) : PROBE_UNKNOWN;
  return t.sndNxt - t.sndUna <= <u32>t.sndMss ? delay + ACK_DELAY : delay;
}

/** Data has left or was acknowledged: a probe of the tail is due if nothing is heard for long. A timer that runs is not moved back: it looks again when it expires. */
export function tailWatch(t: Tcb): void {
  if (!rackOn(t) || !mayProbe(t) || armed(t, T_PERSIST)) return;
  const delay = tailDelay(t);
  if (!armed(t, T_RACK) || <i32>(t.rackAt - now - delay) > 0) armRack(t, delay);
}

function tailTimeout(t: Tcb): void {
  if (!mayProbe(t)) return;
  const quiet = min<u32>(now - t.sentAt, now - t.progressAt), delay = tailDelay(t);
  if (quiet < delay) arm(t, T_RACK, delay - quiet);
  else tailDue(t);
}

/** False if there is no memory to remember the probe by: then the timeout comes instead. */
function tailDue(t: Tcb): bool {
  if (!lossTake(t)) return false;
  t.tailProbe = TAIL_DUE;
  flag(t);
  return true;
}

/** The retransmission timer expired: true if a probe of the tail comes first, as §7.2 has it when the timeout is shorter than PTO. */
export function tailFirst(t: Tcb): bool {
  if (!rackOn(t) || !mayProbe(t) || !tailDue(t)) return false;
  arm(t, T_RTX, rtoNow(t));
  return true;
}

/** The probe has left: `again` if it was the last segment once more. The timeout starts over (§7.3). */
export function tailProbed(t: Tcb, again: bool): void {
  t.tailProbe = again ? TAIL_AGAIN : TAIL_NEW;
  t.tailEnd = t.sndNxt;
  disarm(t, T_RACK);
  arm(t, T_RTX, rtoNow(t));
}

/** §7.4: whether a probe that repeated the tail repaired a loss that nothing else told of; then it counts as congestion. */
function tailAnswered(t: Tcb, news: bool): void {
  if (t.tailProbe == TAIL_DUE) {
    if (news) t.tailProbe = 0;
    return;
  }
  if (seqLt(segAck, t.tailEnd)) return;
  const again = t.tailProbe == TAIL_AGAIN, repaired = again && !sackTwice && seqGt(segAck, t.tailEnd);
  // The first ACK of it may answer the original or the probe: what comes next decides.
  if (again && !sackTwice && !repaired && news) return;
  t.tailProbe = 0;
  if (repaired && <u32>t.recovery == RECOVERY_NONE) ccSackLoss(t, t.sndNxt - t.sndUna + (segAck - t.tailEnd));
}
