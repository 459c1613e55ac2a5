/** WSPSelect: readiness of many sockets at once. It never touches the event records (E-17). */
import { LASTACK_WAIT, WSAEFAULT, WSAEINTR, WSAEINVAL, WSAENOBUFS, WSAENOTSOCK, WSANOTINITIALISED } from "../abi/errors";
import { SOCKET_ERROR } from "../abi/winsock";
import { handleObject, KIND_SOCKET } from "../memory/handles";
import { mayAccess, setError } from "./result";
import { claimsForget, S_WATCHED, Socket, socketAt, startups } from "./socket";
import { isExceptional, isReadable, isWritable } from "./status";
import { selectCancelled, selectEnd, selectExpired, selectOf, selectOn, selectWait } from "./waits";

const READ: u32 = 0;
const WRITE: u32 = 1;
const EXCEPT: u32 = 2;

/** Distinguishes passes over the sets, for counting a socket once (E-89). */
let pass: u32 = 0;
/** The current call resumes one that waited: a handle that is dead now was closed meanwhile. */
let resumed: bool = false;
/** scan met a handle that is no socket. */
let bad: bool = false;
/** First live socket seen: its timer carries the deadline. */
let anchor: Socket = changetype<Socket>(0);

/**
 * Reduces the sets (u32 count, then handles) to the sockets that are ready and returns how many that makes over the three sets.
 * Any set may be NULL, not all. timeout: timeval, NULL = none; { 0, 0 } = a poll; it is not changed (E-90). While nothing is ready
 * the sets stay as they are and the call answers LASTACK_WAIT; when time is up it returns 0 with empty sets. nfds is ignored.
 * A socket closed while the call waits counts as readable or writable (C-41); in exceptfds it ends the call with 10038 (C-42).
 * Errors: 10093, 10014, 10022 (nothing to look at, bad time), 10038 (sets unchanged, E-87), 10055, 10004 (cancelled).
 */
export function WSPSelect(nfds: i32, readfds: usize, writefds: usize, exceptfds: usize, timeout: usize, lpErrno: usize): i32 {
  claimsForget();
  const found = startups ? selectCall(readfds, writefds, exceptfds, timeout) : -WSANOTINITIALISED;
  setError(lpErrno, found < 0 ? -found : 0);
  return found < 0 ? SOCKET_ERROR : found;
}

/** Sockets found, or minus an error code. */
function selectCall(r: usize, w: usize, x: usize, timeout: usize): i32 {
  if (!setCheck(r) || !setCheck(w) || !setCheck(x) || (timeout && !mayAccess(timeout, 8))) return -WSAEFAULT;
  if (sizeOf(r) + sizeOf(w) + sizeOf(x) == 0) return -WSAEINVAL;
  const ms = timeout ? milliseconds(load<i32>(timeout), load<i32>(timeout, 4)) : 0;
  if (ms < 0) return -WSAEINVAL;
  const waiting = selectOf();
  resumed = waiting != 0;
  if (waiting && selectCancelled(waiting)) { selectEnd(waiting); return -WSAEINTR; }
  anchor = changetype<Socket>(0);
  bad = false;
  const total = scan(r, READ, false) + scan(w, WRITE, false) + scan(x, EXCEPT, false);
  if (bad && !(waiting && total)) return failed(r, w, x, waiting);
  if (total || (timeout && !ms) || (waiting && selectExpired(waiting))) {
    if (waiting) selectEnd(waiting);
    scan(r, READ, true);
    scan(w, WRITE, true);
    scan(x, EXCEPT, true);
    return <i32>total;
  }
  return wait(r, w, x, waiting, timeout != 0, <u32>ms);
}

/** A set named a socket that is none; after a wait the sets are emptied (C-42), else left alone (E-87). */
function failed(r: usize, w: usize, x: usize, waiting: u32): i32 {
  if (waiting) {
    selectEnd(waiting);
    if (r) store<u32>(r, 0);
    if (w) store<u32>(w, 0);
    if (x) store<u32>(x, 0);
  }
  return -WSAENOTSOCK;
}

function wait(r: usize, w: usize, x: usize, waiting: u32, timed: bool, ms: u32): i32 {
  const ref = waiting ? waiting : selectWait(timed, ms);
  if (!ref) return -WSAENOBUFS;
  watch(r);
  watch(w);
  watch(x);
  if (changetype<usize>(anchor)) selectOn(ref, anchor);
  return -LASTACK_WAIT;
}

/** Milliseconds of a timeval, rounded up; -1 if it is none. Beyond 12 days it waits that long and may be repeated. */
function milliseconds(seconds: i32, micro: i32): i32 {
  if (seconds < 0 || micro < 0) return -1;
  if (seconds > 1000000 || micro > 1000000000) return 0x3fffffff;
  return seconds * 1000 + (micro + 999) / 1000;
}

function setCheck(set: usize): bool {
  if (!set) return true;
  if (!mayAccess(set, 4)) return false;
  const n = load<u32>(set);
  return n < 0x1000000 && mayAccess(set, 4 + n * 4);
}

function sizeOf(set: usize): u32 { return set ? load<u32>(set) : 0; }

/** Counts the ready sockets of a set, each once; `reduce` leaves just them in it. */
function scan(set: usize, what: u32, reduce: bool): u32 {
  const n = sizeOf(set);
  let kept: u32 = 0;
  pass++;
  for (let k: u32 = 0; k < n; k++) {
    const h = load<u32>(set + <usize>(k << 2), 4);
    if (!isReadySocket(h, what)) continue;
    if (reduce) store<u32>(set + <usize>(kept << 2), h, 4);
    kept++;
  }
  if (reduce && set) store<u32>(set, kept);
  return kept;
}

function isReadySocket(h: u32, what: u32): bool {
  const i = handleObject(h, KIND_SOCKET);
  if (i < 0) {
    if (resumed && what != EXCEPT) return true;
    bad = true;
    return false;
  }
  const s = socketAt(<u32>i);
  if (!changetype<usize>(anchor)) anchor = s;
  if (s.mark == pass) return false;
  s.mark = pass;
  return what == READ ? isReadable(s) : what == WRITE ? isWritable(s) : isExceptional(s);
}

function watch(set: usize): void {
  const n = sizeOf(set);
  for (let k: u32 = 0; k < n; k++) {
    const i = handleObject(load<u32>(set + <usize>(k << 2), 4), KIND_SOCKET);
    if (i >= 0) socketAt(<u32>i).flags |= S_WATCHED;
  }
}
