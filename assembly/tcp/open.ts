/** Opening a connection: SYNs that meet a listener, a SYN-SENT or a SYN-RECEIVED connection (RFC 9293 §3.10.7.2 to §3.10.7.4). */
import { CONFIG_FEATURES, CONFIG_RTO_INITIAL_MS, FEATURE_WINDOW_SCALE } from "../abi/config";
import { WSAECONNREFUSED, WSAETIMEDOUT } from "../abi/errors";
import { STAT_TCP_LISTEN_DROPS } from "../abi/stats";
import { TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_SYN_RCVD } from "../abi/winsock";
import { addrCopy, addrEqual, addrIsV4 } from "../base/addr";
import { config } from "../base/config";
import { count } from "../base/counters";
import { seqGt, seqLeq, seqLt } from "../base/seq";
import { now } from "../base/time";
import { ACK, optionMss, optionScale, RST, SYN, tcpParseOptions } from "../wire/tcp";
import {
  AGREED_SACK, indexOf, Listener, listenerOf, localPtr, M_CONDITIONAL, M_HELD, M_PASSIVE, M_PAUSED, M_PENDING, M_SCALED, M_SYN_NOW, NOTIFY_ACCEPTABLE, NOTIFY_CONNECT_FAILED,
  remotePtr, Tcb, tcb, tcbAlloc, tcbCapacity, TF_RST_RCVD, TF_SEND_SHUT,
} from "./tcb";
import { embryosTotal, flag, notify } from "./lists";
import { tupleInsert } from "./table";
import { BY_ACK_OF_SYN, BY_CLOSE, BY_RST, BY_SYN, BY_SYN_ACK, transition } from "./state";
import { arm, disarm, T_RTX, T_USER } from "./timer";
import { ackNow, initialSequence } from "./guard";
import { closed, embryoAdd, embryoComplete, embryos, fail } from "./release";
import { ccStart, congestionDefault } from "./congestion";
import { recoveryReset, rttEnd } from "./retransmission";
import { scaleFor, synWindow } from "./window";
import { MSS_MIN, ownMss } from "./segment_out";
import { cookieExpected, cookieRead, cookieRestore, cookieSend, cookieWanted } from "./cookie";
import { keepaliveBegin } from "./keepalive";
import { ecnNegotiate, ecnOffer } from "./ecn";
import { connectTimeLimit } from "./progress";
import { sackNegotiate, sackOffered } from "./sack";
import { stampsNegotiate, stampsOffer, stampsOffered } from "./timestamps";
import { utoBegin, utoSet, utoTake } from "./usertimeout";
import { offeredWindow } from "./ack";
import { segAck, segFlags, segHeader, segHeaderLength, segLen, segSeq, textSeq, trimSyn } from "./segment_in";

/** Segment size towards a peer that names none (RFC 9293 MUST-15), per address family. */
const MSS_DEFAULT_V4: u32 = 536;
const MSS_DEFAULT_V6: u32 = 1220;
/** RFC 6298 §5.7: the timeout after a handshake that had to repeat its SYN. */
const RTO_AFTER_LOST_SYN: u32 = 3000;
/** A SYN that waits for a decision is forgotten this many milliseconds after it was last repeated. */
const HELD_MS: u32 = 75000;

/** Fills in what a new connection needs before its first segment; addresses and ports stand already. */
export function begin(t: Tcb, iss: u32, sndLimit: u32, rcvLimit: u32): void {
  t.sndUna = iss;
  t.sndNxt = iss + 1;
  t.sndEnd = iss + 1;
  t.sndSml = iss;
  t.sndLimit = sndLimit;
  t.rcvLimit = rcvLimit;
  const v4 = addrIsV4(remotePtr(t));
  t.rcvMss = <u16>ownMss(remotePtr(t));
  t.sndMss = <u16>min<u32>(t.rcvMss, v4 ? MSS_DEFAULT_V4 : MSS_DEFAULT_V6);
  t.rto = config(CONFIG_RTO_INITIAL_MS);
  t.heardAt = now;
  t.sentAt = now;
  recoveryReset(t);
  if (!TINY && config(CONFIG_FEATURES) & FEATURE_WINDOW_SCALE) {
    t.marks |= M_SCALED;
    t.rcvScale = scaleFor(rcvLimit);
  }
  if (!TINY) {
    t.congestion = congestionDefault();
    ecnOffer(t);
    utoBegin(t);
  }
  if (stampsOffered()) stampsOffer(t);
  if (sackOffered()) t.agreed |= AGREED_SACK;
  tupleInsert(indexOf(t));
}

/** The peer's SYN: its sequence number, its options, its (unscaled) window. */
function takeSyn(t: Tcb): void {
  t.rcvNxt = segSeq + 1;
  t.rcvAdv = t.rcvNxt + synWindow(t);
  if (!TINY) t.lastAckSent = t.rcvNxt;
  tcpParseOptions(segHeader, segHeaderLength);
  if (optionMss >= 0) t.sndMss = <u16>min<u32>(t.rcvMss, max<u32>(<u32>optionMss, MSS_MIN));
  if (!TINY && t.marks & M_SCALED && optionScale >= 0) t.sndScale = <u32>optionScale;
  else {
    // RFC 7323 §1.3: both SYNs carry the option, or neither side scales.
    t.marks &= ~M_SCALED;
    t.rcvScale = 0;
  }
  if (!TINY) {
    stampsNegotiate(t);
    sackNegotiate(t);
    ecnNegotiate(t);
    utoTake(t);
  }
  takeWindow(t);
}

function takeWindow(t: Tcb): void {
  t.sndWnd = offeredWindow(t);
  t.maxWnd = max(t.maxWnd, t.sndWnd);
  t.sndWl1 = segSeq;
  t.sndWl2 = segAck;
}

/** Our SYN is acknowledged: ESTABLISHED. A shutdown that waited for it takes effect (C-59). */
function establish(t: Tcb, by: i32): void {
  const passive = (t.marks & M_PENDING) != 0;
  t.sndUna = segAck;
  rttEnd(t, segAck);
  t.backoff = 0;
  if (t.synRetries) t.rto = max(t.rto, RTO_AFTER_LOST_SYN);
  disarm(t, T_RTX | T_USER);
  t.marks &= ~M_SYN_NOW;
  recoveryReset(t);
  ccStart(t, t.synRetries != 0);
  if (passive) embryoComplete(t);
  transition(t, TCP_ESTABLISHED, by);
  if (passive) notify(listenerOf(<i32>t.listener - 1), NOTIFY_ACCEPTABLE);
  keepaliveBegin(t);
  if (t.flags & TF_SEND_SHUT) transition(t, TCP_FIN_WAIT_1, BY_CLOSE);
  flag(t);
}

/** What a listener does with a segment. */
export const LISTEN_DROP: u32 = 0;
/** <SEQ=SEG.ACK><CTL=RST>, or the form for segments without ACK. */
export const LISTEN_RESET: u32 = 1;
/** A child was made that the segment is for. */
export const LISTEN_CHILD: u32 = 2;

/** LISTEN STATE (§3.10.7.2): a SYN begins a child in SYN-RECEIVED; text in it is left for the peer to repeat. */
export function arriveListen(i: i32, local: usize, remote: usize, lport: u32, rport: u32, iss: u32): u32 {
  const l = listenerOf(i);
  if (segFlags & RST) return LISTEN_DROP;
  if (segFlags & ACK) return !(segFlags & SYN) && cookieExpected() ? cookieArrive(l, local, remote, lport, rport) : LISTEN_RESET;
  if (!(segFlags & SYN)) return LISTEN_DROP;
  if (l.marks & M_PAUSED) return LISTEN_RESET; // O-41
  // A SYN from ourselves to ourselves (LAND) answers itself for ever.
  if (lport == rport && addrEqual(local, remote)) return LISTEN_DROP;
  let full = isFull(l);
  if (TINY && full && recycle(l)) full = isFull(l);
  const child = full || cookieWanted(l, false) ? -1 : tcbAlloc();
  if (child < 0) {
    if (cookieWanted(l, true)) cookieSend(l, local, remote, lport << 16 | rport);
    else count(STAT_TCP_LISTEN_DROPS);
    return LISTEN_DROP;
  }
  const t = tcb(child);
  childBegin(l, t, local, remote, lport, rport, iss);
  takeSyn(t);
  transition(t, TCP_SYN_RCVD, BY_SYN);
  connectTimeLimit(t);
  embryoAdd(l, child);
  if (l.marks & M_CONDITIONAL) hold(l, t);
  else {
    t.marks |= M_SYN_NOW;
    flag(t);
  }
  return LISTEN_DROP;
}

/** No room for another half-open child. */
function isFull(l: Listener): bool { return l.embryoCount + l.queueCount >= l.backlog || embryosTotal >= embryoLimit(); }

/**
 * RFC 4987 §3.4, for want of cookies: the oldest half-open child whose SYN,ACK was once repeated in vain gives way to a new one. Handshakes
 * that take no longer than the first timeout are never cut short. True if there is room now.
 */
function recycle(l: Listener): bool {
  const oldest = embryos(l).first;
  if (!oldest || l.queueCount >= l.backlog) return false;
  const t = tcb(<i32>oldest - 1);
  if (!t.synRetries) return false;
  count(STAT_TCP_LISTEN_DROPS);
  fail(t, WSAETIMEDOUT);
  return true;
}

/** A listener's child before the peer's options are known; first sequence number `iss`, 0 = a fresh one. */
function childBegin(l: Listener, t: Tcb, local: usize, remote: usize, lport: u32, rport: u32, iss: u32): void {
  addrCopy(localPtr(t), local);
  addrCopy(remotePtr(t), remote);
  t.lport = <u16>lport;
  t.rport = <u16>rport;
  t.marks |= M_PASSIVE;
  begin(t, iss ? iss : initialSequence(t), l.sndLimit, l.rcvLimit);
  t.ttl = l.ttl;
  t.tos = l.tos;
  t.userLimit = l.userLimit;
  if (!TINY && l.uto) utoSet(t, <u32>l.uto);
}

/**
 * An ACK that may answer a cookie: the child it begins stands in SYN-RECEIVED and gets the segment next. Without room in the queue the
 * ACK is lost, and comes again with the peer's text.
 */
function cookieArrive(l: Listener, local: usize, remote: usize, lport: u32, rport: u32): u32 {
  const mss = cookieRead(local, remote, lport << 16 | rport);
  // Text that overtook the answer: a RST would end what the answer, still under way, is to begin. Peers of long ago repeat theirs.
  if (!mss) return segLen ? LISTEN_DROP : LISTEN_RESET;
  const child = l.queueCount < l.backlog ? tcbAlloc() : -1;
  if (child < 0) {
    count(STAT_TCP_LISTEN_DROPS);
    return LISTEN_DROP;
  }
  const t = tcb(child);
  childBegin(l, t, local, remote, lport, rport, segAck - 1);
  cookieRestore(t, mss);
  transition(t, TCP_SYN_RCVD, BY_SYN);
  embryoAdd(l, child);
  return LISTEN_CHILD;
}

/** O-21, W-29: nothing is answered until the listener's owner has decided; the peer's repeated SYNs keep the child alive. */
function hold(l: Listener, t: Tcb): void {
  t.marks |= M_HELD;
  l.held++;
  arm(t, T_RTX, HELD_MS);
  notify(l, NOTIFY_ACCEPTABLE);
}

/** Half-open children of all listeners together: a flood of SYNs leaves room for connections. */
function embryoLimit(): u32 { return max<u32>(1, tcbCapacity >> 1); }

/** What becomes of a segment for a connection that is opening. */
export const OPEN_STOP: u32 = 0;
/** Go on with the sixth step: text and FIN. */
export const OPEN_CONTINUE: u32 = 1;
/** <SEQ=SEG.ACK><CTL=RST>; the connection stays. */
export const OPEN_RESET: u32 = 2;

/** SYN-SENT STATE (§3.10.7.3). */
export function arriveSynSent(t: Tcb): u32 {
  const acks = (segFlags & ACK) != 0;
  if (acks && (seqLeq(segAck, t.iss) || seqGt(segAck, t.sndMax))) return segFlags & RST ? OPEN_STOP : OPEN_RESET;
  if (segFlags & RST) {
    if (acks) refused(t);
    return OPEN_STOP;
  }
  if (!(segFlags & SYN)) return OPEN_STOP;
  takeSyn(t);
  t.heardAt = now;
  if (acks) {
    establish(t, BY_SYN_ACK);
    ackNow(t);
    return OPEN_CONTINUE;
  }
  // Simultaneous open: our SYN goes out again, as SYN,ACK.
  transition(t, TCP_SYN_RCVD, BY_SYN);
  t.marks |= M_SYN_NOW;
  flag(t);
  return OPEN_STOP;
}

/** A RST ended an active open: "connection refused". */
export function refused(t: Tcb): void {
  t.flags |= TF_RST_RCVD;
  t.error = WSAECONNREFUSED;
  notify(t, NOTIFY_CONNECT_FAILED);
  closed(t, BY_RST);
}

/**
 * SYN-RECEIVED: the peer's SYN came again. Without ACK our SYN,ACK was lost: repeat it. With ACK (simultaneous open,
 * RFC 9293 §3.5 figure 8) the SYN is cut off and the rest is processed. False: the segment is dealt with.
 */
export function repeatedSyn(t: Tcb): bool {
  if (!(segFlags & ACK)) {
    if (t.marks & M_HELD) { arm(t, T_RTX, HELD_MS); return false; }
    t.marks |= M_SYN_NOW;
    flag(t);
    return false;
  }
  trimSyn();
  return true;
}

/** SYN-RECEIVED, fifth step: the ACK that completes the handshake. */
export function arriveHandshakeAck(t: Tcb): u32 {
  if (seqLeq(segAck, t.sndUna) || seqGt(segAck, t.sndMax)) return OPEN_RESET;
  takeWindow(t);
  establish(t, BY_ACK_OF_SYN);
  return OPEN_CONTINUE;
}
