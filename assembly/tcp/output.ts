/**
 * What may leave now, and it leaves: owed RSTs and SYNs, retransmissions, new data under both windows, FIN, ACKs.
 * Called at egress for flagged connections; the rules for sending data are those of RFC 9293 §3.8.6.2.1.
 */
import { TCP_CLOSED, TCP_LISTEN, TCP_SYN_SENT, TCP_TIME_WAIT } from "../abi/winsock";
import { WSAEHOSTUNREACH, WSAENETUNREACH } from "../abi/errors";
import { seqGt, seqLeq, seqLt, seqMax } from "../base/seq";
import { now } from "../base/time";
import { ACK, FIN, PSH, RST, SYN } from "../wire/tcp";
import {
  M_ACK_NOW, M_DETACHED, M_KEEP_NOW, M_CORKED, M_NO_DELAY, M_PROBE_NOW, M_RST_BARE, M_RST_OWED, M_RTX_NOW, M_SYN_NOW, AGREED_SACK, AGREED_TIMESTAMPS, AGREED_USER_TIMEOUT, Tcb, tcb, TAIL_DUE, TF_CORK_DUE, TF_CORK_WAITS, TF_FIN_SENT, TF_LOWERED, TF_SEND_SHUT,
} from "./tcb";
import { flag } from "./lists";
import { arm, armed, armRetransmission, T_PERSIST, T_RTX } from "./timer";
import { userTimeLimit } from "./progress";
import { fail, freeIfDone, retire } from "./release";
import { sndUsed } from "./buffers";
import { ccIdle, lossOver } from "./congestion";
import { corkBegin, corkEnd, corkHolds, corkWait } from "./cork";
import { frtoLimit, limitedTransmit, mayRepair, mayResend, persistStart, RECOVERY_SACK, repairNext, rtoNow, rttBegin, rttCancel } from "./retransmission";
import { sizeDue, sizeRepeated, sizeTried } from "./pathsize";
import { rackOn, repaired, tailProbed, tailWatch } from "./rack";
import { repairLost } from "./repairs";
import { sackGapEnd, sackHighest, sackSkip } from "./scoreboard";
import { urgentWaits } from "./urgent";
import { utoLeads } from "./usertimeout";
import { duplicateAckSend, opening, packetText, repeatCount, segmentSend, trainForget } from "./segment_out";

/** The program said when short segments leave. */
const TOLD: u32 = TINY ? M_NO_DELAY : M_NO_DELAY | M_CORKED;
/** Bits of `flags` that sendRarely looks at. */
const RARE: u32 = TF_CORK_WAITS | TF_CORK_DUE | TF_LOWERED;

/** Segments per call, so that one connection cannot keep the others waiting. */
const BUDGET: u32 = 64;

/**
 * Sends what connection i may send. 0 = done, 1 = more to send, WASI_EAGAIN = the device is full; in the latter two cases
 * the connection stands flagged again.
 */
export function tcpOutput(i: i32): i32 {
  if (!TINY) trainForget();
  const t = tcb(i), r = run(t);
  if (r) flag(t);
  if (!TINY && t.loss) lossOver(t);
  return r;
}

function run(t: Tcb): i32 {
  if (t.state == TCP_CLOSED) return t.marks & M_RST_OWED ? sendReset(t) : 0;
  if (t.state == TCP_LISTEN) return 0;
  if (opening(t)) return sendOpening(t);
  if (t.state == TCP_TIME_WAIT) return sendLast(t);
  const r = sendText(t);
  if (!TINY) t.outstanding = t.sndNxt - t.sndUna;
  return r ? r : sendAcks(t);
}

/** TIME_WAIT: only ACKs. After the last of them the block is needed no more. */
function sendLast(t: Tcb): i32 {
  const r = sendAcks(t);
  if (!r && t.marks & M_DETACHED) retire(t);
  return r;
}

/** <SEQ=SND.NXT><CTL=RST,ACK>, once (W-35). */
function sendReset(t: Tcb): i32 {
  const r = segmentSend(t, t.sndNxt, t.marks & M_RST_BARE ? RST : RST | ACK, 0, 0);
  if (r > 0) return r;
  t.marks &= ~M_RST_OWED;
  freeIfDone(t);
  return 0;
}

/** The SYN or SYN,ACK, first or again; an ACK owed meanwhile goes with the latter or alone. */
function sendOpening(t: Tcb): i32 {
  if (t.marks & M_SYN_NOW) {
    const r = segmentSend(t, t.iss, t.state == TCP_SYN_SENT ? SYN : SYN | ACK, 0, 0);
    if (r > 0) return r;
    t.marks &= ~M_SYN_NOW;
    if (r < 0) {
      fail(t, r == -1 ? WSAENETUNREACH : WSAEHOSTUNREACH);
      return 0;
    }
    if (t.synRetries) repeatCount(); else rttBegin(t, t.iss + 1);
    t.sentAt = now;
    if (!armed(t, T_RTX)) arm(t, T_RTX, rtoNow(t));
  }
  if (t.state == TCP_SYN_SENT) return 0;
  return t.marks & M_ACK_NOW ? sendAcks(t) : 0;
}

/** Sequence number of the first byte in the send queue. */
// @ts-ignore: decorator
@inline function queueStart(t: Tcb): u32 { return t.sndEnd - sndUsed(t); }

/** Probe, then what is lost, then what is new. */
function sendText(t: Tcb): i32 {
  if (t.marks & M_PROBE_NOW) {
    const r = sendProbe(t);
    if (r) return r;
  }
  if (t.marks & M_RTX_NOW) {
    const r = resend(t, t.sndUna);
    if (r > 0) return r;
    t.marks &= ~M_RTX_NOW;
  }
  return !TINY && (t.flags & RARE || t.agreed & AGREED_USER_TIMEOUT) ? sendRarely(t) : sendMore(t);
}

/** What most connections never need, in front of the rest. */
function sendRarely(t: Tcb): i32 {
  if (t.agreed & AGREED_USER_TIMEOUT && utoLeads(t)) {
    const r = segmentSend(t, t.sndNxt, ACK, 0, 0);
    if (r > 0) return r;
  }
  if (t.flags & TF_LOWERED) {
    const r = sendTrial(t);
    if (r > 0) return r;
  }
  corkBegin(t);
  const r = sendMore(t);
  corkEnd(t);
  return r;
}

/** One segment of the size that the path did not carry once, if it is time to try it. */
function sendTrial(t: Tcb): i32 {
  restart(t);
  const size = sizeDue(t), lowered = t.sndMss, seq = t.sndNxt;
  if (!size) return 0;
  t.sndMss = <u16>size;
  const r = sendSegment(t, size, false, false);
  t.sndMss = lowered;
  if (!r) sizeTried(t, seq);
  return r;
}

function sendMore(t: Tcb): i32 {
  if (!TINY && <u32>t.tailProbe == TAIL_DUE) {
    const r = sendTail(t);
    if (r > 0) return r;
  }
  return TINY || <u32>t.recovery != RECOVERY_SACK ? sendAgain(t) : sendRepair(t);
}

/** After a timeout what is lost, as cwnd allows, then what is new. */
function sendAgain(t: Tcb): i32 {
  let budget = BUDGET;
  if (!TINY && t.repairs && mayResend(t)) {
    // A repetition that was lost does not wait for another timeout (RFC 8985 §6.2).
    const at = repairLost(t), before = t.rtxNxt;
    if (at != t.sndNxt && inWindow(t, at)) {
      const r = resend(t, at);
      t.rtxNxt = seqMax(before, t.sndUna);
      if (r > 0) return r;
    }
  }
  while (mayResend(t)) {
    const room = <i32>(t.sndUna + min(t.sndWnd, t.cwnd) - t.rtxNxt);
    if (room <= 0) break;
    if (!budget--) return 1;
    if (!TINY && t.sacked) {
      t.rtxNxt = sackSkip(t, t.rtxNxt);
      if (!mayResend(t)) break;
    }
    const at = t.rtxNxt, r = resend(t, at);
    if (r > 0) return r;
    if (t.rtxNxt == at) break;
  }
  return mayResend(t) ? 0 : sendNew(t, budget);
}

/** NextSeg() of RFC 6675 §4: what is lost, what is new, what may be lost, and once the tail. */
function sendRepair(t: Tcb): i32 {
  let budget = BUDGET;
  for (let at = repairNext(t, false); mayRepair(t) && at != t.sndNxt && inWindow(t, at); at = repairNext(t, false)) {
    if (!budget--) return 1;
    const r = resend(t, at);
    if (r > 0) return r;
    if (r < 0) break;
  }
  const r = sendNew(t, budget);
  if (r) return r;
  for (let at = repairNext(t, true); mayRepair(t) && at != t.sndNxt && inWindow(t, at); at = repairNext(t, true)) {
    if (!budget--) return 1;
    const again = resend(t, at);
    if (again > 0) return again;
    if (again < 0) break;
  }
  return mayRepair(t) && !t.rescued && !rackOn(t) ? sendRescue(t) : 0;
}

// @ts-ignore: decorator
@inline function inWindow(t: Tcb, seq: u32): bool { return seq - t.sndUna < t.sndWnd; }

/** NextSeg rule 4: the last segment once more, since nothing after it could tell that it is lost. HighRxt stays. */
function sendRescue(t: Tcb): i32 {
  const high = sackHighest(t), tail = seqMax(high, t.sndNxt - min<u32>(t.sndMss, t.sndNxt - t.sndUna)), before = t.rtxNxt;
  if (!seqLt(tail, t.sndNxt) || !inWindow(t, tail)) return 0;
  const r = resend(t, tail);
  t.rtxNxt = before;
  if (r > 0) return r;
  t.rescued = true;
  return 0;
}

/** RFC 8985 §7.3: a segment of new data if the peer has room for it, whatever cwnd says, or the last one again. */
function sendTail(t: Tcb): i32 {
  if (t.sndNxt == t.sndUna || !t.sndWnd) {
    t.tailProbe = 0;
    return 0;
  }
  const window = <i32>(t.sndUna + t.sndWnd - t.sndNxt), queued = seqLt(t.sndNxt, t.sndEnd) ? t.sndEnd - t.sndNxt : 0;
  if (queued && window > 0 && (queued >= <u32>t.sndMss || !corkHolds(t))) {
    const len = min(min<u32>(queued, t.sndMss), <u32>window), r = sendSegment(t, len, len == queued && (t.flags & TF_SEND_SHUT) != 0, len == queued);
    if (r > 0) return r;
    tailProbed(t, false);
    return 0;
  }
  const last = t.sndNxt - min<u32>(t.sndMss, t.sndNxt - t.sndUna), before = t.rtxNxt;
  // A peer that took its window back is asked within what is left of it.
  const r = resend(t, inWindow(t, last) ? last : t.sndUna);
  t.rtxNxt = before;
  if (r > 0) return r;
  tailProbed(t, true);
  return 0;
}

/** Sends the segment at `seq` again, with the FIN if it ends there. Moves rtxNxt behind it. Below 0: there is none. */
function resend(t: Tcb, seq: u32): i32 {
  let textEnd = seqLt(t.sndNxt, t.sndEnd) ? t.sndNxt : t.sndEnd;
  if (!TINY && t.sacked) textEnd = sackGapEnd(t, seq, textEnd);
  const text = seqGt(textEnd, seq) ? min<u32>(textEnd - seq, t.sndMss) : 0;
  const fin = seq + text == t.sndEnd && seqGt(t.sndNxt, t.sndEnd);
  if (!text && !fin) return -1;
  const flags = ACK | (fin ? FIN : 0) | (text && seq + text == t.sndEnd ? PSH : 0);
  const r = segmentSend(t, seq, flags, seq - queueStart(t), text);
  if (r > 0) return r;
  repeatCount();
  rttCancel(t);
  const end = seq + text + (fin ? 1 : 0);
  if (seqGt(end, t.rtxNxt)) t.rtxNxt = end;
  if (!TINY) t.prrOut += text;
  if (!TINY && t.flags & TF_LOWERED) sizeRepeated(t, seq);
  if (!TINY && t.agreed & AGREED_SACK) repaired(t, seq, end);
  t.sentAt = now;
  if (!armed(t, T_RTX)) arm(t, T_RTX, rtoNow(t));
  return 0;
}

/** Rules 1 to 3 of RFC 9293 §3.8.6.2.1, with Minshall's form of Nagle: only a short segment in flight holds back another. LSO_CORK holds back all of them. */
function mayLeave(t: Tcb, len: u32, queued: u32): bool {
  if (len >= <u32>t.sndMss) return true;
  const noDelay = t.marks & TOLD ? TINY || !corkHolds(t) : urgentWaits(t) || seqLeq(t.sndSml, t.sndUna) || t.sndNxt == t.sndUna;
  if (len == queued) return noDelay || (t.flags & TF_SEND_SHUT) != 0;
  return noDelay && len >= t.maxWnd >> 1;
}

/** Sending begins again after a pause (RFC 5681 §4.1). */
// @ts-ignore: decorator
@inline function restart(t: Tcb): void { if (t.sndNxt == t.sndUna && now - t.sentAt > rtoNow(t)) ccIdle(t); }

/** Segments of new data, and the FIN behind the last byte. */
function sendNew(t: Tcb, budget: u32): i32 {
  restart(t);
  const mss = <u32>t.sndMss;
  let left = <i32>budget, most: u32 = 0;
  while (seqLeq(t.sndNxt, t.sndEnd)) { // beyond it the FIN is out: nothing can follow
    const queued = t.sndEnd - t.sndNxt, finDue = (t.flags & TF_SEND_SHUT) != 0;
    if (!queued && !finDue) return 0;
    const window = <i32>(t.sndUna + t.sndWnd - t.sndNxt);
    const room = min(window, max(<i32>(t.sndUna + t.cwnd + limitedTransmit(t) - t.sndNxt), <i32>(frtoLimit(t) - t.sndNxt)));
    let len = room > 0 ? min(min<u32>(queued, mss), <u32>room) : 0;
    if (queued ? !len || !mayLeave(t, len, queued) : window <= 0) {
      if (!TINY && len && corkHolds(t)) {
        corkWait(t);
        return 0;
      }
      // Closed window, or a window too small to be useful: the probe timer overrides (rule 4).
      if (t.sndNxt == t.sndUna && !armed(t, T_PERSIST)) {
        persistStart(t);
        userTimeLimit(t);
      }
      return 0;
    }
    if (left <= 0) return 1;
    left--;
    if (!TINY && len == mss && queued - len >= mss) {
      if (!most) most = packetText(t);
      if (most > mss) {
        len = min(min(queued, most), <u32>room) / mss * mss;
        left -= <i32>(len / mss - 1);
      }
    }
    const fin = finDue && len == queued && window > <i32>len;
    const r = sendSegment(t, len, fin, len == queued);
    if (r) return r;
  }
  return 0;
}

/** Sends new data from SND.NXT and moves it. `last`: the segment empties the queue, so it is pushed (RFC 9293 §3.9.1.2). */
function sendSegment(t: Tcb, len: u32, fin: bool, last: bool): i32 {
  const seq = t.sndNxt;
  const r = segmentSend(t, seq, ACK | (fin ? FIN : 0) | (last && len ? PSH : 0), seq - queueStart(t), len);
  if (r > 0) return r;
  const end = seq + len + (fin ? 1 : 0);
  t.sndNxt = end;
  if (fin) t.flags |= TF_FIN_SENT;
  // What a window probe carried is the first byte or the FIN of this.
  if (t.probed) t.probed = false;
  if (TINY || !(t.agreed & AGREED_TIMESTAMPS)) rttBegin(t, end);
  if (len < <u32>t.sndMss) t.sndSml = end;
  if (!TINY) t.prrOut += len;
  t.sentAt = now;
  if (!armed(t, T_RTX)) armRetransmission(t, rtoNow(t));
  if (!TINY) tailWatch(t);
  userTimeLimit(t);
  return 0;
}

/**
 * The probe timer's segment. Closed window: one byte, or the FIN, beyond it; SND.NXT stays, because the peer need not keep it
 * (RFC 9293 §3.8.6.1). Small window: as much as fits.
 */
function sendProbe(t: Tcb): i32 {
  const outstanding = t.sndNxt != t.sndUna;
  if (t.sndWnd != 0) {
    t.marks &= ~M_PROBE_NOW;
    const queued = seqGt(t.sndEnd, t.sndNxt) ? t.sndEnd - t.sndNxt : 0;
    if (outstanding || !queued) return 0;
    const len = min(min<u32>(queued, t.sndMss), t.sndWnd);
    return sendSegment(t, len, false, len == queued);
  }
  const seq = t.sndUna, text: u32 = seqGt(t.sndEnd, seq) ? 1 : 0;
  const fin = !text && t.flags & TF_SEND_SHUT && seq == t.sndEnd;
  if (text || fin) {
    const r = segmentSend(t, seq, ACK | (fin ? FIN : 0), seq - queueStart(t), text);
    if (r > 0) return r;
    if (fin) t.flags |= TF_FIN_SENT;
    if (!outstanding) t.probed = true;
    t.sentAt = now;
    rttCancel(t);
    if (outstanding) repeatCount();
  }
  t.marks &= ~M_PROBE_NOW;
  return 0;
}

/** Duplicate ACKs for what came out of order, the ACK no segment has carried, the keepalive probe. */
function sendAcks(t: Tcb): i32 {
  while (t.dupAcksOwed) {
    const r = duplicateAckSend(t);
    if (r > 0) return r;
    t.dupAcksOwed--;
    t.marks &= ~M_ACK_NOW;
  }
  if (t.marks & M_ACK_NOW) {
    const r = segmentSend(t, t.sndNxt, ACK, 0, 0);
    if (r > 0) return r;
  }
  if (t.marks & M_KEEP_NOW) {
    // RFC 9293 §3.8.4: SEG.SEQ = SND.NXT-1 makes any peer answer.
    const r = segmentSend(t, t.sndNxt - 1, ACK, 0, 0);
    if (r > 0) return r;
    t.marks &= ~M_KEEP_NOW;
  }
  return 0;
}
