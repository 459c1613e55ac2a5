/**
 * Urgent text (RFC 9293 §3.8.5, sixth step of §3.10.7.4; RFC 6093). Received: the last urgent byte is handed out of band, or stays in
 * the stream (SO_OOBINLINE). Reads end before its place either way. Of several urgent bytes that nobody has read the newest counts;
 * the older ones are text like any other. Sent: the last byte of a send is urgent, and every segment that begins before its end says
 * where that is until it is acknowledged. Not in tiny.
 */
import { seqGeq, seqGt, seqLt } from "../base/seq";
import { ringAt } from "../memory/ring";
import { ACK, RST, SYN, tcpPutUrgent, tcpUrgentPointer } from "../wire/tcp";
import { lossTake, M_URGENT_DUE, M_URGENT_HELD, M_URGENT_INLINE, M_URGENT_MARK, M_URGENT_OUT, NOTIFY_URGENT, rcvRing, Tcb, tcb, TF_FIN_RCVD } from "./tcb";
import { notify } from "./lists";
import { ackNow } from "./guard";
import { rcvUnread } from "./buffers";
import { segHeader, segSeq } from "./segment_in";

/** The arriving segment has URG: its pointer stands behind the last urgent byte (RFC 9293 §3.8.5), which may still have to come. */
export function urgentArrive(t: Tcb): void {
  const pointer = tcpUrgentPointer(segHeader), at = segSeq + pointer - 1;
  if (!pointer || seqLt(at, t.rcvNxt) || (t.marks & M_URGENT_DUE && !seqGt(at, t.urgentSeq)) || !lossTake(t)) return;
  t.urgentSeq = at;
  t.marks = (t.marks & ~M_URGENT_MARK) | M_URGENT_DUE;
}

/** Bytes between the oldest unread one and the urgent one. */
function ahead(t: Tcb): u32 {
  return t.urgentSeq - (t.rcvNxt - rcvUnread(t) - (t.flags & TF_FIN_RCVD ? 1 : 0));
}

/** To be called when text came in order: takes the urgent byte if it is there. A connection without an owner keeps it for one. */
export function urgentTake(t: Tcb): void {
  if (!(t.marks & M_URGENT_DUE) || !seqLt(t.urgentSeq, t.rcvNxt) || t.owner < 0) return;
  const offset = ahead(t);
  t.marks &= ~M_URGENT_DUE;
  if (offset >= rcvUnread(t)) return;
  t.marks |= M_URGENT_MARK;
  if (t.marks & M_URGENT_INLINE) return;
  t.urgentByte = <u32>load<u8>(ringAt(rcvRing(t), offset));
  t.marks |= M_URGENT_HELD;
  notify(t, NOTIFY_URGENT);
  urgentPass(t);
}

/** To be called when bytes were read: steps over the byte that was handed out of band, and forgets a place that was passed. */
export function urgentPass(t: Tcb): void {
  if (!(t.marks & M_URGENT_MARK)) return;
  const distance = <i32>ahead(t);
  if (distance > 0 || (distance == 0 && t.marks & M_URGENT_INLINE)) return;
  if (distance == 0) rcvRing(t).head++;
  t.marks &= ~M_URGENT_MARK;
}

/** Bytes that may be read at once: those before the urgent one, if it is among the unread. */
// @ts-ignore: decorator
@inline export function urgentLimit(t: Tcb): u32 {
  const used = rcvUnread(t), distance = t.marks & M_URGENT_MARK ? ahead(t) : 0;
  return distance ? min(distance, used) : used;
}

/** SO_OOBINLINE. To be called once when a connection gets its owner: only then is the first urgent byte taken. */
export function tcpSetUrgentInline(i: i32, on: bool): void {
  const t = tcb(i);
  t.marks = on ? t.marks | M_URGENT_INLINE : t.marks & ~M_URGENT_INLINE;
  urgentTake(t);
}

/** True while a byte received out of band is not read. */
export function tcpUrgentHeld(i: i32): bool { return (tcb(i).marks & M_URGENT_HELD) != 0; }

/** SIOCATMARK: no unread byte stands before the place of urgent text. */
export function tcpAtMark(i: i32): bool {
  const t = tcb(i);
  return !(t.marks & M_URGENT_MARK) || ahead(t) == 0;
}

/** MSG_OOB: the byte, -1 if there is none. Without `peek` it is read. */
export function tcpRecvUrgent(i: i32, peek: bool): i32 {
  const t = tcb(i);
  if (!(t.marks & M_URGENT_HELD)) return -1;
  if (!peek) t.marks &= ~M_URGENT_HELD;
  return <i32>t.urgentByte;
}

/** Farthest place that the pointer of a segment can name, counted from its sequence number. */
const POINTER_MAX: u32 = 65535;

/**
 * SEND with the urgent flag (RFC 9293 §3.10.2): what stands last in the send queue is urgent. The peer hears of it with the next segment,
 * also while its window is closed (MUST-66 is its part of that). With memory used up it is text like any other.
 */
export function tcpSetUrgent(i: i32): void {
  const t = tcb(i);
  if (!lossTake(t)) return;
  t.sndUp = t.sndEnd;
  t.marks |= M_URGENT_OUT;
  ackNow(t);
}

/** The queue ends with urgent text that never left: no reason holds it back for a longer segment. */
// @ts-ignore: decorator
@inline export function urgentWaits(t: Tcb): bool { return !TINY && (t.marks & M_URGENT_OUT) != 0 && seqGt(t.sndUp, t.sndNxt); }

/** SND.UNA has advanced: what was urgent may be acknowledged. */
// @ts-ignore: decorator
@inline export function urgentAcked(t: Tcb): void { if (seqGeq(t.sndUna, t.sndUp)) t.marks &= ~M_URGENT_OUT; }

/**
 * True if the segment at `seq`, whose header stands at `p`, is to say that urgent text comes or is here; its pointer is written then. It
 * names the place behind the last urgent byte (RFC 9293 MUST-62 read as in RFC 6093 §3.1); one too far off is named by the farthest
 * place there is, as long as nothing sent so far reaches that.
 */
export function urgentWrite(t: Tcb, p: usize, seq: u32, flags: u32): bool {
  if (!(t.marks & M_URGENT_OUT) || (flags & (ACK | RST | SYN)) != ACK || !seqLt(seq, t.sndUp)) return false;
  const pointer = t.sndUp - seq;
  if (pointer > POINTER_MAX && !seqGt(seq + POINTER_MAX, t.sndMax)) return false;
  tcpPutUrgent(p, flags, min(pointer, POINTER_MAX));
  return true;
}
