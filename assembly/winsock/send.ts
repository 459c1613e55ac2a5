/** WSPSend and WSPSendTo, and the rules every way of sending on a stream shares. */
import { CONFIG_SEND_MAX, SWITCH_V24_SEND_CLEARS_WRITE } from "../abi/config";
import { WSAEFAULT, WSAENOBUFS, WSAEOPNOTSUPP, WSAETIMEDOUT, WSAEWOULDBLOCK } from "../abi/errors";
import { OP_SEND } from "../abi/events";
import { FD_WRITE, MSG_DONTROUTE, MSG_OOB, MSG_PARTIAL } from "../abi/winsock";
import { config } from "../base/config";
import { PROVIDER_INET, streamSendUsed, streamSetUrgent } from "../provider/index";
import { buffersCheck, buffersTotal } from "./buffers";
import { sendDatagram } from "./datagram";
import { forgetWrite, reenable } from "./netevents";
import { messageMoved, sendMessage } from "./seqpacket/transfer";
import { sendOverlapped } from "./overlapped/transfers";
import { finish, mayAccess } from "./result";
import { has, isSeqpacket, isStream, it, S_NONBLOCKING, S_SYNCHRONOUS, Socket } from "./socket";
import { chosen, sendError, sendRoom } from "./status";
import { streamPut } from "./streambuffers";
import { enterWaiting, waitDone, waitEnd, waitFor, waitOf } from "./waits";

/** Bytes the last call moved. */
let moved: u32 = 0;

/**
 * Sends the buffers. With lpOverlapped nothing waits: 0, or 997 and the bytes must stay where they are until the operation is complete;
 * it takes all of them or, cancelled, none, and sends nothing after it overtakes it (docs/overlapped.md). Without it: a stream takes all of them or answers 10035 (V-25: an empty queue takes any size up to sendMax); a
 * blocking socket waits (LASTACK_WAIT) and returns the total. A count below the total is returned only by the tiny build,
 * after SO_SNDTIMEO, or when memory ran out halfway. Success means accepted, not delivered. With MSG_OOB, on a stream of the stack's own
 * TCP, without lpOverlapped and not in tiny, the last byte is urgent (RFC 6093): it takes its place in the stream, and the peer is told where.
 * Errors: 10093, 10038, 10014, 10022 (no buffers), 10045 (flags), 10057, 10058, 10054, 10053, 10060, 10055 (no
 * memory, or more than sendMax), 10040 (datagram too long), 10004.
 */
export function WSPSend(
  s: u32, lpBuffers: usize, count: u32, lpSent: usize, flags: u32, lpOverlapped: usize, lpRoutine: u32, lpThreadId: usize, lpErrno: usize,
): i32 { return finish(sendCall(s, lpBuffers, count, lpSent, flags, lpOverlapped, lpRoutine, 0, 0), lpErrno); }

/** WSPSend with a destination, which a stream ignores. A datagram socket without a port gets one. */
export function WSPSendTo(
  s: u32, lpBuffers: usize, count: u32, lpSent: usize, flags: u32, lpTo: usize, toLen: i32, lpOverlapped: usize, lpRoutine: u32,
  lpThreadId: usize, lpErrno: usize,
): i32 { return finish(sendCall(s, lpBuffers, count, lpSent, flags, lpOverlapped, lpRoutine, lpTo, toLen), lpErrno); }

function sendCall(
  h: u32, list: usize, count: u32, lpSent: usize, flags: u32, overlapped: usize, routine: u32, to: usize, toLen: i32,
): i32 {
  let e = enterWaiting(h, OP_SEND);
  if (e) return e;
  const s = it, later = overlapped != 0 && !has(s, S_SYNCHRONOUS);
  if (!(later && !lpSent) && !mayAccess(lpSent, 4)) return WSAEFAULT;
  e = buffersCheck(list, count);
  if (e) return e;
  const known = MSG_DONTROUTE | (isSeqpacket(s) ? MSG_PARTIAL : !later && knowsUrgent(s) ? MSG_OOB : 0);
  if (!TINY && later && !(flags & ~<u32>known)) return sendOverlapped(s, list, count, lpSent, overlapped, routine, to, toLen, flags);
  if (later || flags & ~<u32>known) return WSAEOPNOTSUPP;
  moved = 0;
  if (isSeqpacket(s)) {
    e = sendMessage(s, h, list, count, buffersTotal, flags);
    moved = messageMoved;
  } else if (isStream(s)) {
    e = sendStream(s, h, list, count, buffersTotal);
    // The last byte of all: not while some of them wait for room.
    if (!TINY && flags & MSG_OOB && !e && moved && moved == buffersTotal) streamSetUrgent(s.transport);
  } else {
    e = sendDatagram(s, h, list, count, buffersTotal, to, toLen);
    moved = buffersTotal;
  }
  if (!e) store<u32>(lpSent, moved);
  return e;
}

/** N-32: the operating system keeps urgent data to itself, and tiny has none. */
function knowsUrgent(s: Socket): bool { return !TINY && isStream(s) && s.provider == PROVIDER_INET; }

/** Sends on a stream; leaves the total in `moved`. */
function sendStream(s: Socket, h: u32, list: usize, count: u32, total: u32): i32 {
  const e = sendError(s, waitOf(s, OP_SEND) != 0);
  if (e) { waitEnd(s, OP_SEND); return e; }
  let done = waitDone(s, OP_SEND);
  const rest = total > done ? total - done : 0;
  if (rest) {
    const room = sendRoom(s), waits = !has(s, S_NONBLOCKING);
    if (rest > config(CONFIG_SEND_MAX) && !TINY && !waits) return WSAENOBUFS;
    if (rest <= room || (room && (TINY || waits))) {
      const n = min(rest, room), taken = streamPut(s, list, count, done, n);
      done += taken;
      if (taken < n && !done && !streamSendUsed(s.provider, s.transport)) return sendEnds(s, WSAENOBUFS);
      if (taken < n && done && !waits) total = done;
    }
  }
  moved = done;
  if (done < total) return sendLater(s, h, total - done);
  // O-36: without a send buffer a blocking send ends when the peer's stack has the bytes.
  if (!s.sendLimit && !has(s, S_NONBLOCKING) && total && streamSendUsed(s.provider, s.transport)) return sendLater(s, h, 1);
  return sendEnds(s, 0);
}

function sendEnds(s: Socket, e: i32): i32 {
  waitEnd(s, OP_SEND);
  if (!e) sent(s);
  return e;
}

/** What a successful send does to the event record. */
export function sent(s: Socket): void {
  s.writeNeed = 0;
  if (chosen(SWITCH_V24_SEND_CLEARS_WRITE)) forgetWrite(s);
}

/** `need` more bytes found no room: partial success in tiny, 10035 with FD_WRITE re-enabled (E-61), or a wait. */
export function sendLater(s: Socket, h: u32, need: u32): i32 {
  if (has(s, S_NONBLOCKING)) {
    if (TINY && moved) return sendEnds(s, 0);
    waitEnd(s, OP_SEND);
    s.writeNeed = TINY ? 0 : need;
    reenable(s, FD_WRITE);
    return WSAEWOULDBLOCK;
  }
  // Worth waking for: a good part of the buffer, or all that is left.
  s.writeNeed = min(need, max(s.sendLimit >> 1, 1));
  const done = moved, e = waitFor(s, h, OP_SEND, s.sendTimeout, done);
  return e == WSAETIMEDOUT && done ? sendEnds(s, 0) : e;
}

/** For reserve, which shares sendLater: nothing was moved yet. */
export function movedNothing(): void { moved = 0; }
