/**
 * RACK-TLP (RFC 8985): time says what is lost, and a probe of the tail fetches the news that nothing else would bring. Not in tiny.
 *
 * No transmission times are kept. When the peer reports something at `edge`, all that stands below it was sent before it, so what is
 * still missing there a reordering window later is lost by the rule of §6.2 step 5; the thresholds of RFC 6675 find the earlier ones.
 */
import { CONFIG_FEATURES, FEATURE_RACK } from "../abi/config";
import { config } from "../base/config";
import { seqGeq, seqGt, seqLt } from "../base/seq";
import { now } from "../base/time";
import { AGREED_SACK, M_PROBE_NOW, M_RTT_KNOWN, M_RTX_NOW, TAIL_AGAIN, TAIL_DUE, TAIL_NEW, Tcb } from "./tcb";
import { flag } from "./lists";
import { arm, armed, disarm, T_PERSIST, T_RACK, T_RTX } from "./timer";
import { ccSackLoss } from "./congestion";
import { measure, RECOVERY_LOSS, RECOVERY_NONE, RECOVERY_SACK, rtoNow, sackLost } from "./retransmission";
import { sackHighest, sackTwice } from "./scoreboard";
import { segAck } from "./segment_in";

/** A peer may hold the ACK of a single segment back for this long, ms (TLP.max_ack_delay). */
const ACK_DELAY: u32 = 200;
/** A round trip below the clock's tick still takes the peer some time, ms. */
const PROBE_LEAST: u32 = 10;
/** Probe after this long if no round trip is known, ms (§7.2). */
const PROBE_UNKNOWN: u32 = 1000;
/** Recoveries for which a wider reordering window is kept (§6.2 step 4), and the widest, in quarters of the smallest round trip. */
const REORDER_KEPT: u8 = 16;
const REORDER_STEPS: u8 = 16;

// @ts-ignore: decorator
@inline function on(t: Tcb): bool { return (t.agreed & AGREED_SACK) != 0 && (config(CONFIG_FEATURES) & FEATURE_RACK) != 0; }

/** RACK.reo_wnd, ms: quarters of the smallest round trip, never more than a smoothed one. */
function reorderWindow(t: Tcb): u32 {
  return max<u32>(1, min<u32>(t.minRtt * (1 + <u32>t.reorderSteps) >> 2, t.srtt >> 3));
}

/** An ACK was processed; `news`: it tells of something that arrived. */
export function rackArrive(t: Tcb, news: bool): void {
  if (!on(t)) return;
  if (sackTwice && !t.tailProbe && t.minRtt) {
    if (t.reorderSteps < REORDER_STEPS) t.reorderSteps++;
    t.reorderKept = REORDER_KEPT;
  }
  tailAnswered(t, news);
  if (t.sndNxt == t.sndUna || <u32>t.recovery == RECOVERY_LOSS) {
    t.rackWaits = false;
    disarm(t, T_RACK);
    return;
  }
  if (t.rackWaits) {
    if (seqGeq(t.sndUna, t.rackEdge)) {
      t.rackWaits = false;
      disarm(t, T_RACK);
    } else return;
  }
  if (!news) return;
  if (seqGt(sackHighest(t), t.sndUna)) wait(t); else tailWatch(t);
}

/** Something above a hole arrived: the hole has a reordering window left. */
function wait(t: Tcb): void {
  const edge = sackHighest(t);
  if (!seqGt(edge, t.rackLost) && !againLost(t, edge)) return;
  t.rackWaits = true;
  t.rackEdge = edge;
  arm(t, T_RACK, reorderWindow(t));
}

/** §6.2: what was sent after the repetition of SND.UNA has arrived by now, so the repetition is lost too. */
function againLost(t: Tcb, edge: u32): bool {
  return <u32>t.recovery == RECOVERY_SACK && !(t.marks & M_RTX_NOW) && seqGt(t.rtxNxt, t.sndUna) && seqGt(edge, t.rackAgain);
}

/** T_RACK: the reordering window is over, or nothing was heard of the tail. */
export function rackTimeout(t: Tcb): void {
  if (t.sndNxt == t.sndUna || <u32>t.recovery == RECOVERY_LOSS) {
    t.rackWaits = false;
    return;
  }
  if (!t.rackWaits) {
    if (mayProbe(t)) {
      t.tailProbe = <u8>TAIL_DUE;
      flag(t);
    }
    return;
  }
  t.rackWaits = false;
  if (againLost(t, t.rackEdge)) t.marks |= M_RTX_NOW;
  if (seqGt(t.rackEdge, t.rackLost)) t.rackLost = t.rackEdge;
  measure(t);
  if (<u32>t.recovery == RECOVERY_NONE) sackLost(t);
  if (seqGt(sackHighest(t), t.rackLost)) wait(t);
  flag(t);
}

/** §7.2: only where nothing else is going on, and once until it is answered. */
function mayProbe(t: Tcb): bool {
  return <u32>t.recovery == RECOVERY_NONE && !t.tailProbe && !t.rackWaits && t.sndWnd != 0 && !(t.marks & M_PROBE_NOW) && !t.backoff
    && !seqGt(sackHighest(t), t.sndUna);
}

/** Data has left or was acknowledged: the probe of the tail is due two round trips from now, unless the timeout comes first. */
export function tailWatch(t: Tcb): void {
  if (!on(t) || !mayProbe(t) || armed(t, T_PERSIST) || t.sndNxt == t.sndUna) return;
  let delay = t.marks & M_RTT_KNOWN ? max<u32>(PROBE_LEAST, t.srtt >> 2) : PROBE_UNKNOWN;
  if (t.sndNxt - t.sndUna <= <u32>t.sndMss) delay += ACK_DELAY;
  // With the timeout no later there is nothing to win.
  if (armed(t, T_RTX) && <i32>(t.rtxAt - now - delay) <= 0) disarm(t, T_RACK); else arm(t, T_RACK, delay);
}

/** The probe has left: `again` if it was the last segment once more. The timeout starts over (§7.3). */
export function tailProbed(t: Tcb, again: bool): void {
  t.tailProbe = again ? <u8>TAIL_AGAIN : <u8>TAIL_NEW;
  t.tailEnd = t.sndNxt;
  disarm(t, T_RACK);
  arm(t, T_RTX, rtoNow(t));
}

/** §7.4: whether a probe that repeated the tail repaired a loss that nothing else told of; then it counts as congestion. */
function tailAnswered(t: Tcb, news: bool): void {
  if (!t.tailProbe || seqLt(segAck, t.tailEnd)) return;
  const repaired = <u32>t.tailProbe == TAIL_AGAIN && !sackTwice && seqGt(segAck, t.tailEnd);
  // The first ACK of it may answer the original or the probe: what comes next decides.
  if (<u32>t.tailProbe == TAIL_AGAIN && !sackTwice && !repaired && news) return;
  t.tailProbe = 0;
  if (repaired && <u32>t.recovery == RECOVERY_NONE) ccSackLoss(t, t.sndNxt - t.sndUna + (segAck - t.tailEnd));
}
