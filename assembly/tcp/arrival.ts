/** SEGMENT ARRIVES (RFC 9293 §3.10.7): demultiplexing, then the RFC's checks in the RFC's order. */
import {
  CONFIG_POLICY, CONFIG_SWITCHES, POLICY_DROP_SYN_FIN, POLICY_INSECURE_RST, POLICY_INSECURE_SYN, POLICY_SILENT, SWITCH_V15_RESET_KEEPS_UNREAD,
} from "../abi/config";
import { WSAECONNRESET } from "../abi/errors";
import { CAUSE_NONE } from "../abi/report";
import { STAT_TCP_IN_ERRS, STAT_TCP_IN_SEGS } from "../abi/stats";
import { IPPROTO_TCP, TCP_CLOSED, TCP_CLOSING, TCP_ESTABLISHED, TCP_SYN_RCVD, TCP_SYN_SENT, TCP_TIME_WAIT } from "../abi/winsock";
import { ADDR_V4, addrIsV4 } from "../base/addr";
import { swap32 } from "../base/bytes";
import { sumBytes, sumFinish, sumFoldWords, sumPseudo } from "../base/checksum";
import { config } from "../base/config";
import { count } from "../base/counters";
import { seqGt } from "../base/seq";
import { now } from "../base/time";
import { ACK, FIN, RST, SYN, tcpDestination, tcpHeaderSum, tcpParseOptions, tcpSource, URG } from "../wire/tcp";
import { ipIsLocal } from "../ip/route";
import { M_FIN_HELD, M_PASSIVE, AGREED_ANY, AGREED_ECN, AGREED_TIMESTAMPS, AGREED_USER_TIMEOUT, NOTIFY_RESET, Tcb, tcb, TF_RST_RCVD } from "./tcb";
import { notify } from "./lists";
import { listenerFind, tableEnsure, tupleFind } from "./table";
import { BY_RST, BY_SUCCESSOR } from "./state";
import { ackNow, challenge, initialSequence, sequenceFor, SUCCESSOR_GAP } from "./guard";
import { abort, closed } from "./release";
import { rcvFlush } from "./buffers";
import { rcvWindow } from "./window";
import { arriveAck } from "./ack";
import { arriveFin, arriveText, mayReceive } from "./receive";
import { urgentArrive } from "./urgent";
import { keepaliveHeard } from "./keepalive";
import {
  arriveHandshakeAck, arriveListen, arriveSynSent, LISTEN_CHILD, LISTEN_DROP, LISTEN_RESET, OPEN_CONTINUE, OPEN_RESET, OPEN_STOP, refused, repeatedSyn,
} from "./open";
import { restartTimeWait } from "./time_wait";
import { ecnArriving, ecnReceived } from "./ecn";
import { waiting, waitingFind, waitingRemove } from "./waiting";
import { waitingArrive, waitingChallenge } from "./waiting_arrival";
import { sackDuplicate } from "./sack";
import { stampAcceptable, stampsAllowSuccessor, stampTake } from "./timestamps";
import { userLimitChanged } from "./progress";
import { utoTake } from "./usertimeout";
import { resetSend } from "./segment_out";
import { segAck, segFlags, segHeader, segHeaderLength, segLen, segmentRead, segSeq, textLen, textPtr, trimAll } from "./segment_in";

/** Bit of tcpArrive's flags: somebody trustworthy has verified the checksum. */
const CHECKSUM_TRUSTED: u32 = 1;

/** Addresses and ports of the arriving segment as seen from here. */
let local: usize = 0;
let remote: usize = 0;
let lport: u32 = 0;
let rport: u32 = 0;

/**
 * Takes a segment of `len` bytes at `segment` from src16 to dst16. `flags` bit 0: its checksum is known to be right.
 * The pointers are used during the call only. Segments that lie about their lengths are counted and dropped.
 */
export function tcpArrive(src16: usize, dst16: usize, segment: usize, len: u32, flags: u32): void {
  count(STAT_TCP_IN_SEGS);
  if (!segmentRead(segment, len) || !(flags & CHECKSUM_TRUSTED || checksumRight(src16, dst16, segment, len))) {
    count(STAT_TCP_IN_ERRS);
    return;
  }
  local = dst16;
  remote = src16;
  if (segFlags & SYN && segFlags & FIN && config(CONFIG_POLICY) & POLICY_DROP_SYN_FIN) return;
  lport = tcpDestination(segment);
  rport = tcpSource(segment);
  if (!lport || !rport) {
    count(STAT_TCP_IN_ERRS);
    return;
  }
  if (!TINY) ecnArriving(flags);
  const i = tupleFind(local, remote, lport, rport);
  if (i >= 0) { arriveAt(tcb(i)); return; }
  const n = waitingFind(local, remote, lport << 16 | rport);
  if (n) arriveWaiting(n); else arriveUnknown(0);
}

/** What is left of a connection in TIME_WAIT: a SYN may take its place (RFC 9293 §3.6.1, MAY-2), the rest is answered. */
function arriveWaiting(n: u32): void {
  if (!waitingArrive(n)) {
    if ((segFlags & (SYN | RST)) == SYN) waitingChallenge(n);
    return;
  }
  if (listenerFind(local, lport) < 0) { waitingChallenge(n); return; }
  const beyond = waiting(n).sndNxt + SUCCESSOR_GAP, fresh = sequenceFor(local, remote, lport << 16 | rport);
  waitingRemove(n);
  arriveUnknown(seqGt(fresh, beyond) ? fresh : beyond);
}

function checksumRight(src16: usize, dst16: usize, segment: usize, len: u32): bool {
  if (!TINY && addrIsV4(src16)) {
    const head = <u64>load<u32>(src16, ADDR_V4) + <u64>load<u32>(dst16, ADDR_V4) + <u64>swap32(<u32>IPPROTO_TCP << 16 | len) + tcpHeaderSum(segment, segHeaderLength);
    // All ones: the sum of a segment that is right.
    return sumFoldWords(head + <u64>(textLen > 1 ? sumBytes(textPtr, textLen) : textLen ? <u32>load<u8>(textPtr) : 0)) == 0xffff;
  }
  return sumFinish(sumPseudo(src16, dst16, addrIsV4(src16), <u32>IPPROTO_TCP, len) + sumBytes(segment, len)) == 0;
}

/** No connection: a listener, or CLOSED STATE (§3.10.7.1). `iss`: smallest first sequence number for a child, 0 = any. */
function arriveUnknown(iss: u32): void {
  if (!ipIsLocal(local)) return; // RFC 9293 MUST-57: nothing for broadcast or multicast addresses
  const l = listenerFind(local, lport);
  if (l >= 0) tableEnsure();
  const verdict = l >= 0 ? arriveListen(l, local, remote, lport, rport, iss) : segFlags & RST ? LISTEN_DROP : LISTEN_RESET;
  if (verdict == LISTEN_RESET) answerStray();
  else if (verdict == LISTEN_CHILD) arriveAt(tcb(tupleFind(local, remote, lport, rport)));
}

/** Nobody wants the segment: RST, unless the stack is to look as if it were not there. */
function answerStray(): void { if (!(config(CONFIG_POLICY) & POLICY_SILENT)) answerReset(); }

/** §3.10.7.1: <SEQ=SEG.ACK><CTL=RST>, or without ACK <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> (semantics W-26). */
function answerReset(): void {
  if (segFlags & ACK) resetSend(local, remote, lport, rport, segAck, 0, RST);
  else resetSend(local, remote, lport, rport, 0, segSeq + segLen, RST | ACK);
}

function arriveAt(t: Tcb): void {
  if (!TINY && t.state == TCP_ESTABLISHED && !(segFlags & (SYN | RST))) {
    if (checkStamp(t) && checkSequence(t)) arriveChecked(t);
    return;
  }
  if (t.state == TCP_CLOSED) return; // a RST is on its way (W-35)
  if (t.state == TCP_SYN_SENT) {
    const verdict = arriveSynSent(t);
    if (verdict == OPEN_RESET) answerReset();
    else if (verdict == OPEN_CONTINUE && arriveText(t)) arriveFin(t);
    return;
  }
  if (t.state == TCP_SYN_RCVD && segFlags & SYN && !(segFlags & RST) && segSeq == t.irs && !repeatedSyn(t)) return;
  if (segFlags & SYN && !(segFlags & RST)) arriveSyn(t);
  else if (checkStamp(t) && checkSequence(t) && checkReset(t)) arriveChecked(t);
}

/** Before the first: the options of an established connection, and what its timestamps say of the segment (RFC 7323 §5.3). */
function checkStamp(t: Tcb): bool {
  if (TINY || !(t.agreed & AGREED_ANY)) return true;
  tcpParseOptions(segHeader, segHeaderLength);
  return !(t.agreed & AGREED_TIMESTAMPS) || stampAcceptable(t);
}

/**
 * First: is any of it in the window (Table 6)? What is not is answered with an ACK. A closed window still lets ACKs, RSTs and
 * the ACK field of a window probe in; a segment without text may stand right at the edge, where a full window leaves its sender.
 */
// @ts-ignore: decorator
@inline function checkSequence(t: Tcb): bool {
  const window = <i32>rcvWindow(t), ahead = <i32>(segSeq - t.rcvNxt);
  if (segFlags & RST) return window ? ahead >= 0 && ahead < window : ahead == 0;
  if (segLen == 0 ? ahead >= 0 && ahead <= window : ahead + <i32>segLen > 0 && (ahead < window || ahead <= 0)) return true;
  if (t.state == TCP_TIME_WAIT && segFlags & FIN && segSeq + segLen == t.rcvNxt) restartTimeWait(t); // W-21
  // Old text is a retransmission whose ACK was lost; an old or wild ACK may be one of two ends shouting at each other.
  if (segLen) {
    if (!TINY && ahead < 0) sackDuplicate(t, t.rcvNxt);
    ackNow(t);
    return closingAgain(t);
  }
  challenge(t);
  return false;
}

/**
 * CLOSING: the peer's FIN once more. The ACK it carries may be the only copy of the one that ends our wait (RFC 9293 appendix A.2,
 * simultaneous close), so the segment is trimmed "including SYN and FIN" and what is left, an ACK at RCV.NXT, goes on.
 */
function closingAgain(t: Tcb): bool {
  if (t.state != TCP_CLOSING || !(segFlags & FIN) || segSeq + segLen != t.rcvNxt || !seqGt(segAck, t.sndUna)) return false;
  trimAll(t.rcvNxt);
  return true;
}

/** Second: RST. RFC 5961 §3.2: only the exact sequence number resets. Returns false if the segment is dealt with. */
function checkReset(t: Tcb): bool {
  if (!(segFlags & RST)) return true;
  if (segSeq != t.rcvNxt && !(config(CONFIG_POLICY) & POLICY_INSECURE_RST)) challenge(t); // W-23
  else if (t.state != TCP_TIME_WAIT) reset(t); // RFC 1337, W-25: TIME_WAIT is not cut short
  return false;
}

/** The peer reset the connection. */
function reset(t: Tcb): void {
  if (t.state == TCP_SYN_RCVD && !(t.marks & M_PASSIVE)) {
    refused(t);
    return;
  }
  t.flags |= TF_RST_RCVD;
  t.error = WSAECONNRESET;
  if (!(config(CONFIG_SWITCHES) & SWITCH_V15_RESET_KEEPS_UNREAD)) rcvFlush(t); // V-15
  notify(t, NOTIFY_RESET);
  closed(t, BY_RST);
}

/**
 * Fourth: a SYN on a synchronized connection is challenged whatever its sequence number (RFC 5961 §4.2); in TIME_WAIT one
 * newer than everything received begins the next connection, whose ISS lies beyond everything sent (RFC 9293 §3.6.1, MAY-2).
 */
function arriveSyn(t: Tcb): void {
  if (!TINY) tcpParseOptions(segHeader, segHeaderLength);
  if (t.state != TCP_TIME_WAIT && config(CONFIG_POLICY) & POLICY_INSECURE_SYN && segSeq - t.rcvNxt < rcvWindow(t)) {
    abort(t, CAUSE_NONE, WSAECONNRESET); // RFC 793: an error, send a reset
    notify(t, NOTIFY_RESET);
    return;
  }
  if (t.state != TCP_TIME_WAIT || segFlags & (ACK | FIN) || !stampsAllowSuccessor(t) || listenerFind(local, lport) < 0) {
    challenge(t);
    return;
  }
  const beyond = t.sndMax + SUCCESSOR_GAP, fresh = initialSequence(t);
  closed(t, BY_SUCCESSOR);
  arriveUnknown(seqGt(fresh, beyond) ? fresh : beyond);
}

/** Fifth to eighth: ACK, URG (not in tiny: there urgent text is text), text, FIN. */
function arriveChecked(t: Tcb): void {
  if (!(segFlags & ACK)) return;
  const waiting = t.state == TCP_TIME_WAIT;
  if (t.state == TCP_SYN_RCVD) {
    if (arriveHandshakeAck(t) == OPEN_RESET) {
      answerReset();
      return;
    }
  } else if (!arriveAck(t)) return;
  if (!TINY && t.agreed & AGREED_TIMESTAMPS) stampTake(t);
  t.heardAt = now;
  keepaliveHeard(t);
  if (waiting) {
    // Only the FIN should come (W-21, before the window); whatever else is in it is told where we stand.
    if (segLen) ackNow(t); else if (segSeq != t.rcvNxt) challenge(t);
    return;
  }
  if (!TINY && segFlags & URG && mayReceive(t)) urgentArrive(t);
  if (!TINY && t.agreed & AGREED_ECN) ecnReceived(t);
  if (!TINY && t.agreed & AGREED_USER_TIMEOUT && utoTake(t)) userLimitChanged(t);
  if (arriveText(t) && (segFlags & FIN || t.marks & M_FIN_HELD)) arriveFin(t);
}
