/**
 * The user calls of RFC 9293 §3.10.1 to §3.10.6: OPEN, SEND, RECEIVE, CLOSE, ABORT, STATUS. They change the control block and
 * flag it; segments leave at the next poll. Callers pass indices they got here and still own; nothing is checked twice.
 */
import { CONFIG_SWITCHES, SWITCH_V10_RECV_SHUT_KEEPS } from "../abi/config";
import { WSAECONNABORTED } from "../abi/errors";
import { CAUSE_RECV_SHUT } from "../abi/report";
import { STAT_TCP_ORPHANS } from "../abi/stats";
import {
  TCP_CLOSED, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_LAST_ACK, TCP_LISTEN, TCP_SYN_RCVD, TCP_SYN_SENT,
  TCP_TIME_WAIT,
} from "../abi/winsock";
import { ADDR_ALIGN, ADDR_BYTES, addrCopy, addrIsAny } from "../base/addr";
import { config } from "../base/config";
import { count } from "../base/counters";
import { seqGt } from "../base/seq";
import { ringAt, ringGet, ringPut, ringRun } from "../memory/ring";
import { TTL_DEFAULT } from "../ip/output";
import { ipSourceFor } from "../ip/route";
import {
  listenerOf, localPtr, M_CONDITIONAL, M_DETACHED, M_HELD, M_KEEPALIVE, M_LINGER, M_LINGER_RST, M_NO_DELAY, M_ORPHAN, M_PAUSED, M_PENDING, M_READS, M_SYN_NOW,
  NOTIFY_CONNECTED, rcvRing, remotePtr, sndRing, Tcb, tcb, tcbAlloc, TF_FIN_SENT, TF_RECV_SHUT, TF_SEND_SHUT,
} from "./tcb";
import { announce, flag } from "./lists";
import { disarm, T_RTX } from "./timer";
import { listenerInsert, tableEnsure, tupleFind } from "./table";
import { BY_ACTIVE_OPEN, BY_CLOSE, BY_PASSIVE_OPEN, BY_SUCCESSOR, transition } from "./state";
import { ackNow, initialSequence, SUCCESSOR_GAP } from "./guard";
import { abort, childRemove, closed, freeIfDone, listenerClose, retire } from "./release";
import { bufferEmptied, rcvFlush, rcvUnread, sndReserve, sndUsed } from "./buffers";
import { congestionDefault } from "./congestion";
import { corkPush } from "./cork";
import { keepaliveBegin } from "./keepalive";
import { begin } from "./open";
import { connectTimeLimit, finWait2Limit, orphanTimeLimit } from "./progress";
import { urgentLimit, urgentPass } from "./urgent";
import { waiting, waitingFind, waitingRemove } from "./waiting";
import { windowUpdateDue } from "./window";

export { tcpSetCork } from "./cork";
export { tcpPeerUserTimeout, tcpSetUserTimeout, tcpSetUserTimeoutOption } from "./progress";
export { tcpEphemeralPort, tcpPortFree } from "./table";
export {
  tcpBytesAcked, tcpBytesDiscarded, tcpBytesReceived, tcpBytesSent, tcpCause, tcpError, tcpFlags, tcpOwner, tcpState,
} from "./status";

/** Bounds of the two buffer limits, bytes. A receive buffer below a small segment would stop the connection. */
const RECEIVE_LEAST: u32 = 1024;
const LIMIT_MOST: u32 = 1 << 30;
/** Keepalive times beyond this, milliseconds (12 days), count as this much. */
const KEEP_MOST: u32 = 1 << 30;

function receiveLimit(bytes: u32): u32 { return min(max(bytes, RECEIVE_LEAST), LIMIT_MOST); }

/**
 * Active OPEN: a SYN leaves at the next poll, NOTIFY_CONNECTED or NOTIFY_CONNECT_FAILED follow. local16 may be the wildcard:
 * the route chooses. Returns the connection's index; -1 if the table is full, -2 without a route, -3 if the four-tuple is in use.
 * A four-tuple of ours in TIME_WAIT that nobody looks at is taken over, with a higher sequence number (RFC 9293 §3.4.3).
 */
export function tcpOpen(local16: usize, lport: u32, remote16: usize, rport: u32, sndLimit: u32, rcvLimit: u32, owner: i32): i32 {
  addrCopy(LOCAL, local16);
  if (addrIsAny(LOCAL) && ipSourceFor(remote16, LOCAL) < 0) return -2;
  const rival = tupleFind(LOCAL, remote16, lport, rport);
  let beyond: u32 = 0, taken = false;
  if (rival >= 0 && tcb(rival).state != TCP_CLOSED) {
    const r = tcb(rival);
    if (r.state != TCP_TIME_WAIT || !(r.marks & M_DETACHED)) return -3;
    beyond = r.sndMax + SUCCESSOR_GAP;
    taken = true;
    closed(r, BY_SUCCESSOR);
  }
  const record = waitingFind(LOCAL, remote16, lport << 16 | rport);
  if (record) {
    beyond = waiting(record).sndNxt + SUCCESSOR_GAP;
    taken = true;
    waitingRemove(record);
  }
  tableEnsure();
  const i = tcbAlloc();
  if (i < 0) return -1;
  const t = tcb(i);
  addrCopy(localPtr(t), LOCAL);
  addrCopy(remotePtr(t), remote16);
  t.lport = <u16>lport;
  t.rport = <u16>rport;
  t.owner = owner;
  const fresh = initialSequence(t);
  begin(t, taken && !seqGt(fresh, beyond) ? beyond : fresh, sndLimit, receiveLimit(rcvLimit));
  transition(t, TCP_SYN_SENT, BY_ACTIVE_OPEN);
  connectTimeLimit(t);
  t.marks |= M_SYN_NOW;
  flag(t);
  return i;
}

const LOCAL = memory.data(ADDR_BYTES, ADDR_ALIGN);

/**
 * Passive OPEN on local16 (or the wildcard) and lport. At most `backlog` children wait, half-open and completed together;
 * further SYNs are dropped, so that their senders try again. Children begin with these limits. Returns the index, -1 if the table is full.
 */
export function tcpListen(local16: usize, lport: u32, backlog: u32, rcvLimit: u32, sndLimit: u32, owner: i32): i32 {
  tableEnsure();
  const i = tcbAlloc();
  if (i < 0) return -1;
  const l = listenerOf(i);
  addrCopy(localPtr(l), local16);
  l.lport = <u16>lport;
  l.owner = owner;
  l.backlog = max<u32>(backlog, 1);
  l.sndLimit = sndLimit;
  l.rcvLimit = receiveLimit(rcvLimit);
  l.ttl = <u8>TTL_DEFAULT;
  transition(l, TCP_LISTEN, BY_PASSIVE_OPEN);
  listenerInsert(i);
  return i;
}

/** While on, SYNs are answered with RST (O-41). */
export function tcpListenPause(i: i32, on: bool): void {
  const l = listenerOf(i);
  l.marks = on ? l.marks | M_PAUSED : l.marks & ~M_PAUSED;
}

/** Changes a listener's backlog; children beyond it stay. */
export function tcpListenBacklog(i: i32, backlog: u32): void { listenerOf(i).backlog = max<u32>(backlog, 1); }

/** SYNs are answered only when tcpAcceptTake takes their child (O-21). To be called before the first SYN. */
export function tcpListenConditional(i: i32): void { listenerOf(i).marks |= M_CONDITIONAL; }

/**
 * Oldest completed child, out of the queue; -1 if none waits. It has no owner until tcpAttach. Of a conditional listener the oldest
 * half-open one, whose SYN,ACK leaves now: sending may begin, and its state shows when the handshake is complete.
 */
export function tcpAcceptTake(i: i32): i32 {
  const l = listenerOf(i);
  if (l.state != TCP_LISTEN || !(l.queue || l.held)) return -1;
  const child = <i32>(l.queue ? l.queue : l.embryos) - 1, t = tcb(child);
  if (t.marks & M_HELD) {
    disarm(t, T_RTX);
    t.marks |= M_SYN_NOW;
    flag(t);
  }
  childRemove(t);
  return child;
}

/** Children that tcpAcceptTake would give. */
export function tcpAcceptCount(i: i32): u32 { return listenerOf(i).queueCount + listenerOf(i).held; }

/** Completed children that were reset by their peers before they were taken, since the last call (O-25). */
export function tcpAcceptLost(i: i32): u32 {
  const l = listenerOf(i), n = l.lost;
  l.lost = 0;
  return n;
}

/** Makes socket object `owner` the one that hears of connection i; what happened before is announced now. */
export function tcpAttach(i: i32, owner: i32): void {
  const t = tcb(i);
  t.owner = owner;
  t.notify &= ~NOTIFY_CONNECTED;
  if (owner >= 0 && t.notify) announce(t);
}

/** Bytes accepted and not yet acknowledged, sent or not. */
export function tcpSendUsed(i: i32): u32 { return sndUsed(tcb(i)); }
export function tcpSendLimit(i: i32): u32 { return tcb(i).sndLimit; }
/** Bytes the send queue should hold; more may stand in it (V-25), and lowering it takes nothing away. */
export function tcpSetSendLimit(i: i32, bytes: u32): void { tcb(i).sndLimit = min(bytes, LIMIT_MOST); }
/** Receive buffer in bytes, at least 1024. What was offered to the peer already stays offered. */
export function tcpSetRecvLimit(i: i32, bytes: u32): void {
  const t = tcb(i);
  t.rcvLimit = receiveLimit(bytes);
  if (t.state != TCP_LISTEN) offerWindow(t);
}

/** True where SEND is legal (RFC 9293 §3.10.2); before ESTABLISHED bytes wait in the queue. */
function maySend(t: Tcb): bool {
  if (t.flags & TF_SEND_SHUT) return false;
  return t.state == TCP_ESTABLISHED || t.state == TCP_CLOSE_WAIT || t.state == TCP_SYN_SENT || t.state == TCP_SYN_RCVD;
}

/** SEND: takes all `len` bytes, whatever the limit says, or 0 if memory or the state forbids. */
export function tcpSend(i: i32, src: usize, len: u32): u32 {
  const t = tcb(i);
  if (!len || !maySend(t) || !sndReserve(t, len)) return 0;
  ringPut(sndRing(t), sndUsed(t), src, len);
  queued(t, len);
  return len;
}

let reserved: u32 = 0;

/**
 * A contiguous free place in the send queue for at most `want` bytes, within the limit; tcpReserved() says how many. 0 if there
 * is none. Valid until the next call into the core.
 */
export function tcpReserve(i: i32, want: u32): usize {
  const t = tcb(i), used = sndUsed(t);
  reserved = 0;
  const room = t.sndLimit > used ? min(want, t.sndLimit - used) : 0;
  if (!room || !maySend(t) || !sndReserve(t, room)) return 0;
  reserved = min(room, ringRun(sndRing(t), used));
  return ringAt(sndRing(t), used);
}
export function tcpReserved(): u32 { return reserved; }

/** Sends the first n bytes of the place tcpReserve gave. */
export function tcpCommit(i: i32, n: u32): void { if (n) queued(tcb(i), n); }

function queued(t: Tcb, n: u32): void {
  sndRing(t).tail += n;
  t.sndEnd += n;
  t.bytesSent += n;
  flag(t);
}

/** Bytes received in order and not read; those behind the place of urgent text begin to count when that is reached. */
export function tcpUnread(i: i32): u32 { return unread(tcb(i)); }

// @ts-ignore: decorator
@inline function unread(t: Tcb): u32 { return TINY ? rcvUnread(t) : urgentLimit(t); }

/** RECEIVE: copies at most `len` unread bytes; without `peek` they are consumed. Returns how many. */
export function tcpRecv(i: i32, dst: usize, len: u32, peek: bool): u32 {
  const t = tcb(i), n = min(len, unread(t));
  if (!n) return 0;
  ringGet(rcvRing(t), 0, dst, n);
  if (!peek) tcpConsume(i, n);
  return n;
}

let peeked: u32 = 0;

/** The oldest unread bytes in place; tcpPeeked() says how many lie contiguously. 0 if none. Valid until the next call. */
export function tcpPeek(i: i32): usize {
  const t = tcb(i), r = rcvRing(t);
  peeked = min(unread(t), ringRun(r, 0));
  return peeked ? ringAt(r, 0) : 0;
}
export function tcpPeeked(): u32 { return peeked; }

/** Marks the n oldest unread bytes as read, n ≤ tcpUnread(i); the peer hears of the room when that is worth a segment. */
export function tcpConsume(i: i32, n: u32): void {
  const t = tcb(i);
  rcvRing(t).head += n;
  if (!TINY) urgentPass(t);
  offerWindow(t);
  if (!rcvUnread(t) && !t.outOfOrder) bufferEmptied(t);
}

/** RFC 9293 §3.8.6.2.2: a window update, if the step is large enough and text can still come. */
function offerWindow(t: Tcb): void {
  const open = t.state == TCP_ESTABLISHED || t.state == TCP_FIN_WAIT_1 || t.state == TCP_FIN_WAIT_2;
  if (open && !(t.flags & TF_RECV_SHUT) && windowUpdateDue(t)) ackNow(t);
}

/**
 * CLOSE (RFC 9293 §3.10.4): the FIN takes its place behind the last byte queued; nothing can be sent after it. Idempotent (W-05).
 * Before ESTABLISHED it waits for the handshake (C-59).
 */
export function tcpShutdownSend(i: i32): void { close(tcb(i)); }

function close(t: Tcb): void {
  if (t.flags & TF_SEND_SHUT || t.state == TCP_CLOSED || t.state == TCP_LISTEN) return;
  t.flags |= TF_SEND_SHUT;
  if (t.state == TCP_ESTABLISHED) transition(t, TCP_FIN_WAIT_1, BY_CLOSE);
  else if (t.state == TCP_CLOSE_WAIT) transition(t, TCP_LAST_ACK, BY_CLOSE);
  flag(t);
}

/** Nothing will be read any more: unread bytes reset the connection now, later ones when they come (V-10). A FIN is just acknowledged. */
export function tcpShutdownRecv(i: i32): void {
  const t = tcb(i);
  if (t.state == TCP_LISTEN) return;
  t.flags |= TF_RECV_SHUT;
  if (t.state == TCP_CLOSED || !rcvUnread(t) || config(CONFIG_SWITCHES) & SWITCH_V10_RECV_SHUT_KEEPS) return;
  abort(t, CAUSE_RECV_SHUT, WSAECONNABORTED); // S-11, W-16
}

/**
 * ABORT (RFC 9293 §3.10.5): both queues are given up and the connection is CLOSED at once; one RST follows at the next poll where
 * the state calls for it (W-06 to W-09). On a listener: its children are reset, accepted ones are not touched (C-46, C-47).
 */
export function tcpAbort(i: i32, cause: u32): void {
  const t = tcb(i);
  if (t.state == TCP_LISTEN) listenerClose(listenerOf(i)); else abort(t, cause, WSAECONNABORTED);
}

/**
 * The handle is closed: CLOSE, if that was not called yet; text that arrives from now on resets the connection (C-45); the limits
 * for orphans apply, after tcpLinger from tcpDetach on.
 */
export function tcpOrphan(i: i32): void {
  const t = tcb(i);
  if (orphaned(t) && !(t.marks & M_LINGER)) orphanLimits(t);
}

/**
 * The close of i waits for at most SO_LINGER's time: until tcpDetach only that limit counts, and neither the user timeout nor those
 * for orphans (C-15). Text is taken until tcpOrphan.
 */
export function tcpLinger(i: i32): void {
  const t = tcb(i);
  if (t.state != TCP_CLOSED && t.state != TCP_LISTEN && t.state != TCP_TIME_WAIT) t.marks |= M_LINGER | (t.flags & TF_FIN_SENT ? 0 : M_LINGER_RST);
}

function orphanLimits(t: Tcb): void {
  orphanTimeLimit(t);
  if (t.state == TCP_FIN_WAIT_2) finWait2Limit(t);
}

/** Nobody will read or write: what is unread is given up, our FIN is due. False if that was so already, or there is no connection any more. */
function orphaned(t: Tcb): bool {
  if (t.marks & M_ORPHAN || t.state == TCP_CLOSED || t.state == TCP_LISTEN) return false;
  t.marks |= M_ORPHAN;
  if (t.state == TCP_TIME_WAIT) return false;
  close(t);
  count(STAT_TCP_ORPHANS);
  if (!(t.marks & M_READS)) rcvFlush(t);
  return true;
}

/** tcpOrphan for good: the wait of a lingering close is over. */
function forsaken(t: Tcb): void {
  const lingered = (t.marks & M_LINGER) != 0;
  t.marks &= ~M_LINGER;
  const open = t.state != TCP_CLOSED && t.state != TCP_TIME_WAIT;
  if ((orphaned(t) || lingered) && open) orphanLimits(t);
}

/** Somebody above goes on reading after tcpOrphan, though the handle is closed: text is no reason for a reset (W-13) until tcpDetach. */
export function tcpReads(i: i32): void { tcb(i).marks |= M_READS; }

/** Nobody will look at index i again. The connection goes on until its machine, TIME_WAIT and an owed RST included, is through. */
export function tcpDetach(i: i32): void {
  const t = tcb(i);
  if (t.state == TCP_LISTEN) listenerClose(listenerOf(i));
  else {
    if (t.marks & M_READS) { t.marks &= ~M_READS; rcvFlush(t); }
    forsaken(t);
  }
  t.owner = -1;
  t.marks |= M_DETACHED;
  if (t.state == TCP_TIME_WAIT) {
    rcvFlush(t);
    retire(t);
  } else freeIfDone(t);
}

/** Turns the Nagle algorithm off (RFC 9293 MUST-17). */
export function tcpSetNoDelay(i: i32, on: bool): void {
  const t = tcb(i);
  t.marks = on ? t.marks | M_NO_DELAY : t.marks & ~M_NO_DELAY;
  if (!on) return;
  if (!TINY) corkPush(t);
  flag(t);
}

/** CONGESTION_x; 0 = the stack's default. Takes effect at once, from the window as it is. */
export function tcpSetCongestion(i: i32, algorithm: u32): void {
  const t = tcb(i);
  if (TINY || t.state == TCP_LISTEN) return;
  t.congestion = algorithm ? algorithm : congestionDefault();
  t.cubicRuns = false;
  t.bytesAcked = 0;
}

/** Keepalive: after `idle` ms of silence a probe every `interval` ms; `probes` (1..255) unanswered ones end the connection (O-43). */
export function tcpSetKeepAlive(i: i32, on: bool, idle: u32, interval: u32, probes: u32): void {
  const t = tcb(i);
  t.marks = on ? t.marks | M_KEEPALIVE : t.marks & ~M_KEEPALIVE;
  if (t.state == TCP_LISTEN) return;
  t.keepIdle = min(max<u32>(idle, 1), KEEP_MOST);
  t.keepInterval = min(max<u32>(interval, 1), KEEP_MOST);
  t.keepCount = <u8>min<u32>(max<u32>(probes, 1), 255);
  keepaliveBegin(t);
}

/** TTL (1..255) and Differentiated Services field, its lower two bits 0 (RFC 9293 MUST-48, MUST-49), for this connection's segments, or a listener's children. */
export function tcpSetIp(i: i32, ttl: u32, tos: u32): void {
  const t = tcb(i), l = listenerOf(i);
  if (t.state == TCP_LISTEN) {
    l.ttl = <u8>ttl;
    l.tos = <u8>tos;
    return;
  }
  t.ttl = <u8>ttl;
  t.tos = <u8>tos;
}
