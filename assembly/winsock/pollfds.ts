/** WSAPoll: what holds for each of several sockets. Like WSPSelect it never touches the event records (E-17). */
import { LASTACK_WAIT, WSAEFAULT, WSAEINTR, WSAEINVAL, WSAENOBUFS, WSAENOTSOCK, WSANOTINITIALISED } from "../abi/errors";
import {
  POLLERR, POLLHUP, POLLNVAL, POLLPRI, POLLRDBAND, POLLRDNORM, POLLWRBAND, POLLWRNORM, SOCKET_ERROR,
} from "../abi/winsock";
import { handleObject, KIND_SOCKET } from "../memory/handles";
import { TF_FIN_RCVD } from "../tcp/tcb";
import { mayAccess, setError } from "./result";
import { claimsForget, has, isSeqpacket, isStream, S_CONNECT_FAILED, S_CONNECTED, S_LISTENING, S_RECV_SHUT, S_WATCHED, Socket, socketAt, startups } from "./socket";
import { factsOf, isReadable, isUrgent, isWritable, TF_LOST, unreadOf } from "./status";
import { selectCancelled, selectEnd, selectExpired, selectOf, selectOn, selectWait } from "./waits";

/** WSAPOLLFD, 32-bit: SOCKET @0, i16 events @4, i16 revents @6 (semantics K.5). */
const ENTRY: u32 = 8;
const EVENTS: usize = 4;
const REVENTS: usize = 6;
/** Events nobody may ask for (E-96). */
const REFUSED: i32 = POLLERR | POLLHUP | POLLNVAL | POLLPRI | POLLWRBAND;
const COUNT_MAX: u32 = 1 << 20;

/**
 * Writes to each of the `count` WSAPOLLFDs what holds now of the events it asks for, and POLLERR, POLLHUP, POLLNVAL whether asked or
 * not; returns how many have any. While none has, a timeout of 0 ms returns 0; otherwise the call answers LASTACK_WAIT until
 * something holds or the time is up (negative: no limit). Errors: 10093, 10022 (count 0, events that cannot be asked for), 10014,
 * 10038 (no entry is a socket, E-95), 10055, 10004 (cancelled).
 */
export function WSAPoll(fds: usize, count: u32, timeout: i32, lpErrno: usize): i32 {
  claimsForget();
  const found = startups ? pollCall(fds, count, timeout) : -WSANOTINITIALISED;
  setError(lpErrno, found < 0 ? -found : 0);
  return found < 0 ? SOCKET_ERROR : found;
}

/** Entries with something to tell, or minus an error code. */
function pollCall(fds: usize, count: u32, timeout: i32): i32 {
  if (!count || count > COUNT_MAX) return -WSAEINVAL;
  if (!mayAccess(fds, count * ENTRY)) return -WSAEFAULT;
  let sockets: u32 = 0;
  for (let k: u32 = 0; k < count; k++) {
    if (<i32>load<i16>(entryAt(fds, k) + EVENTS) & REFUSED) return -WSAEINVAL;
    if (socketIn(fds, k) >= 0) sockets++;
  }
  const waiting = selectOf();
  // C-43: a socket that was closed while the call waited is an answer, not an error.
  if (!sockets && !waiting) return -WSAENOTSOCK;
  if (waiting && selectCancelled(waiting)) { selectEnd(waiting); return -WSAEINTR; }
  let total = 0;
  for (let k: u32 = 0; k < count; k++) {
    const found = eventsOf(socketIn(fds, k), <i32>load<i16>(entryAt(fds, k) + EVENTS));
    store<i16>(entryAt(fds, k) + REVENTS, <i16>found);
    if (found) total++;
  }
  if (total || !timeout || (waiting && selectExpired(waiting))) {
    if (waiting) selectEnd(waiting);
    return total;
  }
  return wait(fds, count, waiting, timeout);
}

function wait(fds: usize, count: u32, waiting: u32, timeout: i32): i32 {
  const ref = waiting ? waiting : selectWait(timeout > 0, <u32>min(timeout, 0x3fffffff));
  if (!ref) return -WSAENOBUFS;
  let anchored = false;
  for (let k: u32 = 0; k < count; k++) {
    const i = socketIn(fds, k);
    if (i < 0) continue;
    socketAt(<u32>i).flags |= S_WATCHED;
    // One live socket's timer carries the deadline.
    if (!anchored) { selectOn(ref, socketAt(<u32>i)); anchored = true; }
  }
  return -LASTACK_WAIT;
}

// @ts-ignore: decorator
@inline function entryAt(fds: usize, k: u32): usize { return fds + <usize>(k * ENTRY); }

/** Socket object of entry k, -1 if its handle is none's. */
function socketIn(fds: usize, k: u32): i32 { return handleObject(load<u32>(entryAt(fds, k)), KIND_SOCKET); }

/** What WSAPoll says of a socket (E-91 … E-95, S-41). */
function eventsOf(object: i32, wanted: i32): i32 {
  if (object < 0) return POLLNVAL;
  const s = socketAt(<u32>object);
  let found = always(s);
  if (wanted & POLLRDNORM && readableNow(s)) found |= POLLRDNORM;
  if (wanted & POLLWRNORM && isWritable(s)) found |= POLLWRNORM;
  if (wanted & POLLRDBAND && isUrgent(s)) found |= POLLRDBAND;
  return found & (wanted | POLLERR | POLLHUP);
}

/** POLLERR and POLLHUP need not be asked for. */
function always(s: Socket): i32 {
  if (!isStream(s)) return 0;
  if (has(s, S_CONNECT_FAILED)) return s.connectError ? POLLERR | POLLHUP : 0;
  if (!has(s, S_CONNECTED)) return 0;
  const facts = factsOf(s);
  if (facts & TF_LOST) return POLLERR | POLLHUP;
  return facts & TF_FIN_RCVD ? POLLHUP : 0;
}

/** E-91: the end of the stream is POLLHUP, not POLLRDNORM. */
function readableNow(s: Socket): bool {
  if (!isStream(s) || has(s, S_LISTENING)) return isReadable(s);
  return has(s, S_CONNECTED) && !has(s, S_RECV_SHUT) && !(factsOf(s) & TF_LOST) && (isSeqpacket(s) ? isReadable(s) && unreadOf(s) != 0 : unreadOf(s) != 0);
}
