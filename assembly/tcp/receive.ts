/** Segment text and the FIN: steps seven and eight of RFC 9293 §3.10.7.4, reassembly included (SHLD-31). */
import { CONFIG_ACK_EVERY, CONFIG_DELAYED_ACK_MS, CONFIG_SWITCHES, SWITCH_V10_RECV_SHUT_KEEPS } from "../abi/config";
import { WSAECONNABORTED } from "../abi/errors";
import { CAUSE_DATA_AFTER_CLOSE, CAUSE_RECV_SHUT } from "../abi/report";
import { STAT_TCP_NO_BUFFER, STAT_TCP_OUT_OF_ORDER } from "../abi/stats";
import { TCP_CLOSE_WAIT, TCP_CLOSING, TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2 } from "../abi/winsock";
import { config } from "../base/config";
import { count } from "../base/counters";
import { seqGeq, seqGt, seqLt } from "../base/seq";
import { rangesAdd, rangesAdvance } from "../memory/ranges";
import { ringPut, ringUsed } from "../memory/ring";
import { FIN } from "../wire/tcp";
import {
  AGREED_SACK, M_ACK_NOW, M_FIN_HELD, M_ORPHAN, M_READS, NOTIFY_FIN, NOTIFY_READABLE, outOfOrderList, rcvRing, Tcb, TF_FIN_RCVD, TF_RECV_SHUT,
} from "./tcb";
import { flag, notify } from "./lists";
import { BY_FIN, transition } from "./state";
import { arm, armed, T_ACK } from "./timer";
import { ackNow } from "./guard";
import { refuse } from "./release";
import { rcvReserve } from "./buffers";
import { rcvWindow } from "./window";
import { enterTimeWait } from "./time_wait";
import { urgentTake } from "./urgent";
import { sackDuplicate, sackDuplicateAhead, sackKept } from "./sack";
import { segAck, segFlags, textLen, textPtr, textSeq, trimBack, trimFront } from "./segment_in";

/** Separate ranges held per connection: more holes than that are not worth memory (packetdrill: out-of-order abuse). */
const RANGES: u32 = TINY ? 4 : 64;

/** True in the states that take text (RFC 9293 §3.10.7.4, seventh). */
export function mayReceive(t: Tcb): bool {
  return t.state == TCP_ESTABLISHED || t.state == TCP_FIN_WAIT_1 || t.state == TCP_FIN_WAIT_2;
}

/** Cuts the text to what is new and inside the window, or before a FIN that is known; a FIN behind what is cut goes too. */
// @ts-ignore: decorator
@inline function trimToWindow(t: Tcb): void {
  if (seqLt(textSeq, t.rcvNxt)) {
    if (!TINY) sackDuplicate(t, t.rcvNxt);
    trimFront(min(t.rcvNxt - textSeq, textLen));
  }
  const window = rcvWindow(t), ahead = textSeq - t.rcvNxt;
  const room = window > ahead ? window - ahead : 0;
  if (textLen > room) {
    trimBack(room);
    ackNow(t); // the peer went beyond the window: tell it where the window ends
  }
  if (t.marks & M_FIN_HELD && seqGt(textSeq + textLen, t.rcvFin)) {
    trimBack(seqGt(t.rcvFin, textSeq) ? min(t.rcvFin - textSeq, textLen) : 0);
  }
}

/** Seventh: the segment text. Returns false if the connection was reset for it. */
export function arriveText(t: Tcb): bool {
  if (!textLen || !mayReceive(t)) return true;
  trimToWindow(t);
  if (!textLen) return true;
  if ((t.marks & (M_ORPHAN | M_READS)) == M_ORPHAN) {
    // Semantics C-45, W-13: nobody will read it; SEQ = SEG.ACK, and the text is not acknowledged.
    t.bytesDiscarded += textLen;
    refuse(t, CAUSE_DATA_AFTER_CLOSE, WSAECONNABORTED, true, segAck);
    return false;
  }
  if (t.flags & TF_RECV_SHUT) {
    // Semantics V-10, the other reading: nobody is told, and nothing is acknowledged.
    if (config(CONFIG_SWITCHES) & SWITCH_V10_RECV_SHUT_KEEPS) { trimBack(0); return true; }
    t.bytesDiscarded += textLen;
    refuse(t, CAUSE_RECV_SHUT, WSAECONNABORTED, false, 0); // S-12, W-16
    return false;
  }
  const ahead = textSeq - t.rcvNxt;
  if (!rcvReserve(t, ahead + textLen)) {
    trimBack(0); // no memory: the peer will send it again
    ackNow(t);
  } else if (ahead) takeAhead(t, ahead);
  else takeInOrder(t);
  return true;
}

/** Segments that the arriving text was on the wire: a device may have joined several (wire/vnet). */
// @ts-ignore: decorator
@inline function segmentsOf(t: Tcb): u32 { return textLen > <u32>t.rcvMss ? (textLen + t.rcvMss - 1) / t.rcvMss : 1; }

/** Text at RCV.NXT: into the buffer, together with what it joins up with. */
// @ts-ignore: decorator
@inline function takeInOrder(t: Tcb): void {
  const r = rcvRing(t), before = t.rcvNxt;
  ringPut(r, ringUsed(r), textPtr, textLen);
  t.rcvNxt += textLen;
  const filled = t.outOfOrder != 0;
  if (filled) t.rcvNxt = rangesAdvance(outOfOrderList(t), t.rcvNxt);
  const taken = t.rcvNxt - before;
  r.tail += taken;
  if (!TINY) t.bytesReceived += taken;
  t.dupAcksOwed = 0;
  notify(t, NOTIFY_READABLE);
  if (!TINY) urgentTake(t);
  const segments = TINY ? 1 : segmentsOf(t);
  t.unackedSegments = <u8>min<u32>(<u32>t.unackedSegments + segments, 255);
  // RFC 5681 §4.2, RFC 9293 MUST-59: at once when a gap is filled, else every second segment or after the delay. A peer whose
  // window this has filled hears as soon as the text is read (tcpConsume).
  if (filled || <u32>t.unackedSegments >= config(CONFIG_ACK_EVERY)) ackNow(t);
  else if (!(t.marks & M_ACK_NOW) && !armed(t, T_ACK)) {
    const delay = config(CONFIG_DELAYED_ACK_MS);
    if (delay) arm(t, T_ACK, delay); else ackNow(t);
  }
}

/** Text beyond a gap: kept in the buffer ahead of its tail, answered by a duplicate ACK of its own (RFC 5681 §4.2). */
function takeAhead(t: Tcb, ahead: u32): void {
  const r = rcvRing(t);
  count(STAT_TCP_OUT_OF_ORDER);
  if (!TINY) sackDuplicateAhead(t);
  if (rangesAdd(outOfOrderList(t), textSeq, textSeq + textLen, RANGES)) {
    ringPut(r, ringUsed(r) + ahead, textPtr, textLen);
    if (!TINY) sackKept(t);
  } else {
    count(STAT_TCP_NO_BUFFER);
    trimBack(0);
  }
  // Who gets no SACK blocks counts the duplicates.
  const segments = TINY || t.agreed & AGREED_SACK ? 1 : segmentsOf(t);
  t.dupAcksOwed = <u8>min<u32>(<u32>t.dupAcksOwed + segments, 255);
  flag(t);
}

/** Eighth: the FIN of this segment, or one that was held until the bytes before it came. */
export function arriveFin(t: Tcb): void {
  if (t.flags & TF_FIN_RCVD || !mayReceive(t)) return;
  if (segFlags & FIN && !(t.marks & M_FIN_HELD)) {
    const fin = textSeq + textLen;
    if (seqGeq(fin, t.rcvNxt)) {
      t.rcvFin = fin;
      t.marks |= M_FIN_HELD;
      if (fin != t.rcvNxt && !t.dupAcksOwed) ackNow(t);
    }
  }
  if (!(t.marks & M_FIN_HELD) || t.rcvFin != t.rcvNxt) return;
  t.marks &= ~M_FIN_HELD;
  t.rcvNxt++;
  t.flags |= TF_FIN_RCVD;
  ackNow(t); // W-20
  notify(t, NOTIFY_FIN);
  if (t.state == TCP_ESTABLISHED) transition(t, TCP_CLOSE_WAIT, BY_FIN);
  else if (t.state == TCP_FIN_WAIT_1) transition(t, TCP_CLOSING, BY_FIN);
  else enterTimeWait(t, BY_FIN);
}
