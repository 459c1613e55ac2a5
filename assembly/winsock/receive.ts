/** WSPRecv and WSPRecvFrom (chapter R). */
import { OVERLAPPED_FLAGS } from "../abi/overlapped";
import { WSAEFAULT, WSAEINVAL, WSAEMSGSIZE, WSAEOPNOTSUPP, WSAETIMEDOUT, WSAEWOULDBLOCK } from "../abi/errors";
import { OP_RECV } from "../abi/events";
import { FD_CLOSE, FD_OOB, FD_READ, MSG_OOB, MSG_PARTIAL, MSG_PEEK, MSG_WAITALL } from "../abi/winsock";
import { PROVIDER_INET, streamRecvUrgent } from "../provider/index";
import { TF_FIN_RCVD } from "../tcp/tcb";
import { bufferLength, bufferPointer, buffersCheck, buffersTotal } from "./buffers";
import { datagramGot, receiveDatagram } from "./datagram";
import { messageGoesOn, messageMoved, receiveMessage } from "./seqpacket/transfer";
import { sockaddrCheck } from "./names";
import { raise, reenable } from "./netevents";
import { receiveOverlapped } from "./overlapped/transfers";
import { finish, mayAccess } from "./result";
import { has, isSeqpacket, isStream, it, S_NONBLOCKING, S_OOBINLINE, S_SYNCHRONOUS, Socket } from "./socket";
import { factsOf, receiveError, unreadOf } from "./status";
import { streamGet } from "./streambuffers";
import { enterWaiting, waitDone, waitEnd, waitFor, waitOf } from "./waits";

/** Bytes the last call moved. */
let moved: u32 = 0;

/**
 * Receives into the buffers; 0 bytes on a stream mean the peer has finished, unless the buffers hold 0 bytes.
 * With lpOverlapped nothing waits: 0, or 997 and the buffers are the provider's until the operation is complete; receives complete in the
 * order of asking, SO_RCVTIMEO does not count, and of the flags only MSG_WAITALL is allowed.
 * lpFlags points at MSG_PEEK, MSG_WAITALL (blocking only), MSG_OOB (the urgent byte; never waits) or 0. With MSG_PEEK only the first buffer that is not empty is filled.
 * Errors: 10093, 10038, 10014, 10022 (no buffers, unbound datagram socket, MSG_OOB inline), 10045 (flags), 10058,
 * 10057, 10054, 10053, 10052, 10060, 10040, 10035 or LASTACK_WAIT, 10004 (closed or cancelled meanwhile, C-40).
 */
export function WSPRecv(
  s: u32, lpBuffers: usize, count: u32, lpRecvd: usize, lpFlags: usize, lpOverlapped: usize, lpRoutine: u32, lpThreadId: usize, lpErrno: usize,
): i32 { return finish(receiveCall(s, lpBuffers, count, lpRecvd, lpFlags, lpOverlapped, lpRoutine, 0, 0), lpErrno); }

/** WSPRecv that also names a datagram's sender; a stream leaves lpFrom as it is. */
export function WSPRecvFrom(
  s: u32, lpBuffers: usize, count: u32, lpRecvd: usize, lpFlags: usize, lpFrom: usize, lpFromLen: usize, lpOverlapped: usize,
  lpRoutine: u32, lpThreadId: usize, lpErrno: usize,
): i32 { return finish(receiveCall(s, lpBuffers, count, lpRecvd, lpFlags, lpOverlapped, lpRoutine, lpFrom, lpFromLen), lpErrno); }

function receiveCall(
  h: u32, list: usize, count: u32, lpRecvd: usize, lpFlags: usize, lpOverlapped: usize, routine: u32, from: usize, fromLen: usize,
): i32 {
  let e = enterWaiting(h, OP_RECV);
  if (e) return e;
  const s = it, overlapped: usize = has(s, S_SYNCHRONOUS) ? 0 : lpOverlapped;
  e = argumentsCheck(s, list, count, lpRecvd, lpFlags, overlapped, from, fromLen);
  // E-53: a receive that fails re-enables FD_READ all the same.
  if (e) { reenable(s, FD_READ); return e; }
  const flags = load<u32>(lpFlags);
  if (!TINY && overlapped) {
    e = receiveOverlapped(s, list, count, lpRecvd, flags, overlapped, routine, from, fromLen);
    if (!e || e == WSAEMSGSIZE) store<u32>(lpFlags, load<u32>(overlapped + <usize>OVERLAPPED_FLAGS));
    return e;
  }
  moved = 0;
  if (!TINY && flags & MSG_OOB) e = receiveUrgent(s, list, count, (flags & MSG_PEEK) != 0);
  else if (isSeqpacket(s)) {
    e = receiveMessage(s, h, list, count, buffersTotal, flags);
    moved = messageMoved;
  } else if (isStream(s)) e = receiveStream(s, h, list, count, buffersTotal, flags);
  else {
    e = receiveDatagram(s, h, list, count, buffersTotal, (flags & MSG_PEEK) != 0, from, fromLen);
    moved = datagramGot;
  }
  if (!e || e == WSAEMSGSIZE) { store<u32>(lpRecvd, moved); store<u32>(lpFlags, isSeqpacket(s) && messageGoesOn ? MSG_PARTIAL : 0); }
  return e;
}

function argumentsCheck(s: Socket, list: usize, count: u32, lpRecvd: usize, lpFlags: usize, overlapped: usize, from: usize, fromLen: usize): i32 {
  if (!(overlapped && !lpRecvd) && !mayAccess(lpRecvd, 4)) return WSAEFAULT;
  if (!mayAccess(lpFlags, 4)) return WSAEFAULT;
  if (from && !isStream(s) && sockaddrCheck(from, fromLen)) return WSAEFAULT;
  const e = buffersCheck(list, count);
  if (e) return e;
  const flags = load<u32>(lpFlags);
  if (flags & MSG_OOB && has(s, S_OOBINLINE)) return WSAEINVAL;
  // What peeks or asks for urgent data does not wait its turn behind others.
  if (overlapped) return TINY || flags & ~<u32>(isSeqpacket(s) ? MSG_PARTIAL : isStream(s) ? MSG_WAITALL : 0) ? WSAEOPNOTSUPP : 0;
  // N-32: the operating system keeps urgent data to itself, and tiny has none.
  const known = isSeqpacket(s) ? MSG_PEEK | MSG_PARTIAL : MSG_PEEK | (!TINY && isStream(s) && s.provider == PROVIDER_INET && !(flags & MSG_WAITALL) ? MSG_OOB : 0) | MSG_WAITALL;
  if (flags & ~<u32>known) return WSAEOPNOTSUPP;
  // waiting for all makes no sense for who must not wait, peeks, or receives datagrams.
  return flags & MSG_WAITALL && (flags & MSG_PEEK || has(s, S_NONBLOCKING) || !isStream(s)) ? WSAEOPNOTSUPP : 0;
}

/** MSG_OOB: the one byte that urgent data is, or 10035; never waits. */
function receiveUrgent(s: Socket, list: usize, count: u32, peek: bool): i32 {
  const e = receiveError(s, false);
  if (e) return e;
  let k: u32 = 0;
  while (k < count && !bufferLength(list, k)) k++;
  if (k == count) return 0;
  const byte = streamRecvUrgent(s.provider, s.transport, peek);
  if (!peek) reenable(s, FD_OOB);
  if (byte < 0) return WSAEWOULDBLOCK;
  store<u8>(bufferPointer(list, k), <u8>byte);
  moved = 1;
  return 0;
}

function receiveStream(s: Socket, h: u32, list: usize, count: u32, total: u32, flags: u32): i32 {
  const e = receiveError(s, waitOf(s, OP_RECV) != 0);
  if (e) { waitEnd(s, OP_RECV); reenable(s, FD_READ); return e; }
  const peek = (flags & MSG_PEEK) != 0, before = waitDone(s, OP_RECV), some = unreadOf(s) != 0;
  let done = before;
  if (some && total) done += streamGet(s, list, count, before, peek);
  moved = done;
  received(s);
  // What is left though there was room for it stands behind the place of urgent data: a receive ends there.
  const complete = flags & MSG_WAITALL ? done >= total || (!peek && unreadOf(s) != 0) : some;
  if (complete || factsOf(s) & TF_FIN_RCVD) { waitEnd(s, OP_RECV); return 0; }
  return receiveLater(s, h, done);
}

/** What every receive does to the event record: FD_READ re-enabled (E-51), FD_CLOSE now that the data is read (E-25). */
export function received(s: Socket): void {
  if (!TINY && !s.eventMask) {
    s.eventReported &= ~<u16>FD_READ;
    return;
  }
  reenable(s, FD_READ);
  raise(s, FD_CLOSE);
}

/** Nothing (more) is there: 10035, or a wait. A timeout after part of a MSG_WAITALL returns that part. */
export function receiveLater(s: Socket, h: u32, done: u32): i32 {
  if (has(s, S_NONBLOCKING)) { waitEnd(s, OP_RECV); return WSAEWOULDBLOCK; }
  const e = waitFor(s, h, OP_RECV, s.recvTimeout, done);
  return e == WSAETIMEDOUT && done ? 0 : e;
}
