/** The ACK field: step five of RFC 9293 §3.10.7.4. What it acknowledges leaves the send queue; the window follows. */
import {
  TCP_CLOSING, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_LAST_ACK,
} from "../abi/winsock";
import { seqGt, seqLt } from "../base/seq";
import { now } from "../base/time";
import { FIN, SYN } from "../wire/tcp";
import {
  M_PROBE_NOW, M_URGENT_OUT, AGREED_ECN, AGREED_SACK, AGREED_TIMESTAMPS, NOTIFY_HALF_DONE, NOTIFY_WRITABLE, sndRing, Tcb, TF_FIN_ACKED, TF_SEND_SHUT,
} from "./tcb";
import { flag, notify } from "./lists";
import { BY_ACK_OF_FIN, transition } from "./state";
import { arm, armed, armRetransmission, disarm, T_PERSIST, T_RTX, T_USER } from "./timer";
import { challenge, ackPlausible } from "./guard";
import { finWait2Limit, somethingOwed } from "./progress";
import { closed } from "./release";
import { bufferEmptied, sndUsed } from "./buffers";
import { RECOVERY_NONE, RECOVERY_SACK, recoveryAcked, recoveryDuplicate, repairAcked, resendAll, rtoNow, rttEnd } from "./retransmission";
import { enterTimeWait } from "./time_wait";
import { ecnEchoed } from "./ecn";
import { rackArrive, rackArriveQuietly, rackQuiet } from "./rack";
import { sackHeld, sackHeldBefore, sackNothing, sackTake } from "./scoreboard";
import { stampMeasure } from "./timestamps";
import { urgentAcked } from "./urgent";
import { segAck, segFlags, segSeq, segWnd, textLen } from "./segment_in";

/** The peer's window as it stands in this segment, in bytes. */
// @ts-ignore: decorator
@inline export function offeredWindow(t: Tcb): u32 { return segFlags & SYN ? segWnd : segWnd << <u32>t.sndScale; }

/** Fifth: check the ACK field. Returns false if processing of the segment ends here. */
export function arriveAck(t: Tcb): bool {
  if (!ackPlausible(t, segAck)) {
    challenge(t); // RFC 5961 §5.2, and RFC 9293 for an ACK of something not yet sent
    return false;
  }
  const una = t.sndUna, recovery = <u32>t.recovery, selective = !TINY && (t.agreed & AGREED_SACK) != 0;
  if (!TINY && selective && seqGt(segAck, una) && rackQuiet(t)) {
    sackNothing(una);
    advance(t);
    rackArriveQuietly(t, una);
    if (t.agreed & AGREED_ECN) ecnEchoed(t, una);
    updateWindow(t, segAck - una);
    return t.flags & TF_FIN_ACKED ? finAcknowledged(t) : true;
  }
  const news = selective && !seqLt(segAck, una) && sackTake(t);
  if (seqGt(segAck, una)) advance(t);
  else if (segAck == una && (selective ? news : isDuplicate(t))) {
    recoveryDuplicate(t);
    flag(t);
  }
  if (!TINY) {
    if (selective) selectiveAck(t, una, news || segAck != una, recovery);
    if (t.agreed & AGREED_ECN) ecnEchoed(t, una);
  }
  if (!seqLt(segAck, t.sndUna)) updateWindow(t, segAck - una);
  return t.flags & TF_FIN_ACKED ? finAcknowledged(t) : true;
}

/** What the ACK, which found SND.UNA at `una` and the connection in `recovery`, says about losses, and what may leave while they are repaired. */
function selectiveAck(t: Tcb, una: u32, news: bool, recovery: u32): void {
  rackArrive(t, una, news);
  if (<u32>t.recovery != RECOVERY_SACK) return;
  // A recovery that begins with this ACK has counted what it acknowledged (ccSackLoss).
  repairAcked(t, (recovery == RECOVERY_SACK ? t.sndUna - una : 0) + sackHeld(t) - sackHeldBefore);
}

/** RFC 5681 §2: outstanding data, no text, no SYN or FIN, the same ACK, the same window. */
function isDuplicate(t: Tcb): bool {
  return t.sndNxt != t.sndUna && !textLen && !(segFlags & (SYN | FIN)) && offeredWindow(t) == t.sndWnd;
}

/** SND.UNA =< SEG.ACK =< SND.NXT, advancing: bytes leave the queue, timers start over. */
// @ts-ignore: decorator
@inline function advance(t: Tcb): void {
  const flight = t.sndNxt - t.sndUna, acked = segAck - t.sndUna;
  const end = seqGt(segAck, t.sndEnd) ? t.sndEnd : segAck;
  const r = sndRing(t), bytes = end - (t.sndEnd - sndUsed(t));
  r.head += bytes;
  t.sndUna = segAck;
  if (seqLt(t.sndNxt, segAck)) { t.sndNxt = segAck; t.probed = false; } // what a window probe carried was taken
  if (seqLt(t.sndSml, segAck)) t.sndSml = segAck;
  if (!TINY && t.marks & M_URGENT_OUT) urgentAcked(t);
  if (!TINY && t.agreed & AGREED_TIMESTAMPS) stampMeasure(t, flight); else rttEnd(t, segAck);
  recoveryAcked(t, acked, flight);
  t.progressAt = now;
  if (t.flags & TF_SEND_SHUT && segAck == t.sndEnd + 1 && !(t.flags & TF_FIN_ACKED)) {
    t.flags |= TF_FIN_ACKED;
    notify(t, NOTIFY_HALF_DONE); // V-21: data and FIN acknowledged
  }
  if (t.sndNxt == t.sndUna) disarm(t, T_RTX); else armRetransmission(t, rtoNow(t)); // RFC 6298 §5.2, §5.3
  if (!somethingOwed(t)) disarm(t, T_USER | T_PERSIST);
  if (bytes) notify(t, NOTIFY_WRITABLE);
  if (!sndUsed(t)) bufferEmptied(t);
  if (mayGoOn(t)) flag(t);
}

/** An ACK may let something leave: text or a FIN that waits, or what is sent again; a Loss block may go back (tcp/output). Whatever else is owed is flagged where it is owed. */
// @ts-ignore: decorator
@inline function mayGoOn(t: Tcb): bool {
  return TINY || t.sndNxt != t.sndEnd || (t.flags & TF_SEND_SHUT) != 0 || <u32>t.recovery != RECOVERY_NONE || t.loss != 0;
}

/**
 * The send window, unless the segment is older than the one that set it (RFC 9293 §3.10.7.4: SND.WL1, SND.WL2). Such a segment may
 * still acknowledge `acked` more: the window counts from SND.UNA, so it shrinks by as much, or its right edge would move.
 */
// @ts-ignore: decorator
@inline function updateWindow(t: Tcb, acked: u32): void {
  if (!seqLt(t.sndWl1, segSeq) && !(t.sndWl1 == segSeq && !seqGt(t.sndWl2, segAck))) {
    t.sndWnd -= min(acked, t.sndWnd);
    return;
  }
  const window = offeredWindow(t), before = t.sndWnd;
  t.sndWnd = window;
  t.sndWl1 = segSeq;
  t.sndWl2 = segAck;
  if (window > t.maxWnd) t.maxWnd = window;
  if (window == before) return;
  if (mayGoOn(t)) flag(t);
  if (window && !before) windowOpened(t);
}

/** A closed window opened: probing ends, and what the peer may have thrown away while it was closed is sent again. */
function windowOpened(t: Tcb): void {
  t.marks &= ~M_PROBE_NOW;
  t.backoff = 0;
  if (armed(t, T_PERSIST)) disarm(t, T_PERSIST);
  else if (t.sndNxt != t.sndUna) {
    resendAll(t);
    arm(t, T_RTX, rtoNow(t));
  }
}

/** Our FIN is acknowledged: FIN-WAIT-1, CLOSING and LAST-ACK go on. Returns false if the connection is closed now. */
function finAcknowledged(t: Tcb): bool {
  if (t.state == TCP_FIN_WAIT_1) {
    transition(t, TCP_FIN_WAIT_2, BY_ACK_OF_FIN);
    finWait2Limit(t);
  } else if (t.state == TCP_CLOSING) enterTimeWait(t, BY_ACK_OF_FIN);
  else if (t.state == TCP_LAST_ACK) {
    closed(t, BY_ACK_OF_FIN);
    return false;
  }
  return true;
}
