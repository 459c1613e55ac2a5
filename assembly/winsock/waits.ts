/**
 * Wait records (seam.md, Calls that wait): a blocking call that cannot finish leaves { caller, operation, started, bytes
 * done }; the same caller repeating the call resumes it. A WAKE event stands at most once per record in the queue.
 *
 * A record hangs on its socket; when its descriptor goes, it moves to the detached list and keeps the answer for the caller.
 */
import { CONFIG_MAX_SOCKETS } from "../abi/config";
import { LASTACK_WAIT, WSAEINTR, WSAENOBUFS, WSAENOTSOCK, WSAETIMEDOUT } from "../abi/errors";
import { OP_CLOSE, OP_SELECT } from "../abi/events";
import { config } from "../base/config";
import { due, now } from "../base/time";
import { chunkAt, chunkEnsure, chunksCarve } from "../memory/chunks";
import { deadlineBefore } from "../memory/deadlines";
import { freeLink, freeNext } from "../memory/freelist";
import { idOfSocket } from "../memory/identities";
import { byteAt, setByteAt } from "../memory/links";
import { clockSample } from "../wasi/preview1";
import { enter, has, indexOf, it, S_WATCHED, Socket, socketAt, startups } from "./socket";

/** Wait.state: what the caller will be told when it repeats the call. */
const W_WAITING: u8 = 0;
/** WSAEINTR: the descriptor was closed or the call cancelled (C-39, C-40). */
export const W_CANCELLED: u8 = 1;
/** Success: the linger wait is over (C-17). */
const W_DONE: u8 = 2;

// @ts-ignore: decorator
@unmanaged
export class Wait {
  /** Descriptor the call was made with; 0 for a select. */
  handle: u32;
  caller: u32;
  /** When the call was made first; without a time limit, as of the last poll. In tiny the four links instead. */
  private startedWord: u32;
  /** Valid with timed. */
  deadline: u32;
  /** Bytes transferred so far. */
  done: u32;
  /** OP_ number, 0 while the record is free. */
  op: u8;
  /** W_ state. */
  state: u8;
  /** 1 while in the wake queue. */
  queued: u8;
  /** The caller was told to try again and has not come back yet: telling it twice says nothing new. */
  told: u8;
  timed: u8;
  /** From here on not in tiny. */
  private nextWord: u32;
  private wakeNextWord: u32;
  private wakePrevWord: u32;
  private socketWord: i32;

  get started(): u32 { return TINY ? 0 : this.startedWord; }
  set started(v: u32) { if (!TINY) this.startedWord = v; }
  /** Next record + 1 of the socket, of the selects, of the detached or of the free ones. */
  @inline get next(): u32 { return TINY ? byteAt(changetype<usize>(this) + LINKS, 0) : this.nextWord; }
  set next(v: u32) { if (TINY) setByteAt(changetype<usize>(this) + LINKS, 0, v); else this.nextWord = v; }
  /** Neighbours in the wake queue, + 1. */
  @inline get wakeNext(): u32 { return TINY ? byteAt(changetype<usize>(this) + LINKS, 1) : this.wakeNextWord; }
  set wakeNext(v: u32) { if (TINY) setByteAt(changetype<usize>(this) + LINKS, 1, v); else this.wakeNextWord = v; }
  @inline get wakePrev(): u32 { return TINY ? byteAt(changetype<usize>(this) + LINKS, 2) : this.wakePrevWord; }
  set wakePrev(v: u32) { if (TINY) setByteAt(changetype<usize>(this) + LINKS, 2, v); else this.wakePrevWord = v; }
  /** Object that keeps the deadline, -1 = none. */
  @inline get socket(): i32 { return TINY ? <i32>byteAt(changetype<usize>(this) + LINKS, 3) - 1 : this.socketWord; }
  set socket(v: i32) { if (TINY) setByteAt(changetype<usize>(this) + LINKS, 3, <u32>v + 1); else this.socketWord = v; }
}

/** Where the links of a record stand in tiny. */
const LINKS: usize = offsetof<Wait>("startedWord");

let pool: usize = 0;
let size: u32 = 0;
/** Records [1, used] have been in use: no other is. */
let used: u32 = 0;
let free: u32 = 0;
let wakeFirst: u32 = 0;
let wakeLast: u32 = 0;
let detached: u32 = 0;
/** Waiting selects, record + 1. */
export let selects: u32 = 0;
/** On whose behalf calls are made (seam.md): the thread of the rows that speak of threads. */
export let currentCaller: u32 = 0;

export function setCaller(id: u32): void { currentCaller = id; }

/** Records begin at multiples of 4: devices have no unaligned access. */
const STRIDE: u32 = (<u32>(TINY ? offsetof<Wait>("nextWord") : offsetof<Wait>()) + 3) & ~3;
// @ts-ignore: decorator
@inline export function waitAt(ref: u32): Wait { return changetype<Wait>(chunkAt(pool, ref - 1, STRIDE)); }

export function waitsReset(): bool {
  size = TINY ? <u32>TINY_SOCKETS + 2 : config(CONFIG_MAX_SOCKETS) * 2 + 64;
  pool = chunksCarve(size, STRIDE);
  used = 0;
  if (!pool) return false;
  free = 1;
  wakeFirst = wakeLast = detached = selects = 0;
  currentCaller = 0;
  return true;
}

export function waitEnqueue(ref: u32): void {
  const w = waitAt(ref);
  if (w.told) return;
  w.told = 1;
  w.queued = 1;
  w.wakeNext = 0;
  w.wakePrev = wakeLast;
  if (wakeLast) waitAt(wakeLast).wakeNext = ref; else wakeFirst = ref;
  wakeLast = ref;
}

function dequeue(ref: u32): void {
  const w = waitAt(ref);
  if (!w.queued) return;
  w.queued = 0;
  if (w.wakePrev) waitAt(w.wakePrev).wakeNext = w.wakeNext; else wakeFirst = w.wakeNext;
  if (w.wakeNext) waitAt(w.wakeNext).wakePrev = w.wakePrev; else wakeLast = w.wakePrev;
}

/** Somebody is to be told that a call can make progress. */
export function waitsNews(): bool { return wakeFirst != 0; }

/** The oldest record whose caller can make progress, out of the queue; 0 if there is none. */
export function wakeTake(): u32 {
  const ref = wakeFirst;
  if (ref) dequeue(ref);
  return ref;
}

export function waitAllocate(op: u32, handle: u32): u32 {
  if (!free) recycleDetached();
  const ref = free;
  if (!ref || !chunkEnsure(pool, ref - 1, size, STRIDE)) return 0;
  if (ref > used) used = ref;
  const w = waitAt(ref);
  free = freeNext(w.next, ref, size);
  w.next = 0;
  w.socket = -1;
  w.handle = handle;
  w.caller = currentCaller;
  w.started = now;
  w.done = 0;
  w.op = <u8>op;
  w.state = W_WAITING;
  w.queued = 0;
  w.told = 0;
  w.timed = 0;
  return ref;
}

/** Time of a call that starts or checks a timer (seam.md, Time). */
export function clockNow(): u32 { clockSample(); return now; }

export function waitRelease(ref: u32): void {
  dequeue(ref);
  waitAt(ref).op = 0;
  waitAt(ref).next = freeLink(free);
  free = ref;
}

/** Frees the answer that has waited longest for a caller who never came back. */
function recycleDetached(): void {
  let oldest: u32 = 0;
  for (let r = detached; r; r = waitAt(r).next) if (waitAt(r).state != W_WAITING) oldest = r;
  if (oldest) { detached = waitWithout(detached, oldest); waitRelease(oldest); }
}

/** List that starts with `first`, `ref` taken out. */
export function waitWithout(first: u32, ref: u32): u32 {
  if (first == ref) return waitAt(ref).next;
  for (let r = first; r; r = waitAt(r).next) {
    if (waitAt(r).next == ref) { waitAt(r).next = waitAt(ref).next; break; }
  }
  return first;
}

function find(list: u32, op: u32): u32 {
  for (let r = list; r; r = waitAt(r).next) {
    const w = waitAt(r);
    if (<u32>w.op == op && w.caller == currentCaller) return r;
  }
  return 0;
}

/** Record of the current caller's unfinished `op` on s, 0 if there is none. */
// @ts-ignore: decorator
@inline export function waitOf(s: Socket, op: u32): u32 { return TINY || s.waits ? find(s.waits, op) : 0; }

/** Another caller's `op` on s has moved a part of what it has and waits to go on. */
export function waitsHalfway(s: Socket, op: u32): bool {
  for (let r = s.waits; r; r = waitAt(r).next) {
    const w = waitAt(r);
    if (<u32>w.op == op && w.done && w.caller != currentCaller && w.state == W_WAITING) return true;
  }
  return false;
}

/** Bytes the resumed call had transferred before. */
export function waitDone(s: Socket, op: u32): u32 {
  const r = waitOf(s, op);
  return r ? waitAt(r).done : 0;
}

/**
 * Lets the current caller wait: LASTACK_WAIT, or WSAETIMEDOUT once `timeout` ms (0 = none) have passed since the first
 * call (T-33), or WSAENOBUFS. On a timeout the record is gone.
 */
export function waitFor(s: Socket, h: u32, op: u32, timeout: u32, done: u32): i32 {
  let r = waitOf(s, op);
  if (!r) {
    r = waitAllocate(op, h);
    if (!r) return WSAENOBUFS;
    const w = waitAt(r);
    w.next = s.waits;
    s.waits = r;
    w.socket = <i32>indexOf(s);
    if (timeout) arm(w, s, timeout);
  }
  const w = waitAt(r);
  w.done = done;
  w.told = w.queued;
  if (w.timed) {
    clockSample();
    if (due(w.deadline)) { waitEnd(s, op); return WSAETIMEDOUT; }
  }
  return LASTACK_WAIT;
}

function arm(w: Wait, s: Socket, timeout: u32): void {
  w.timed = 1;
  // Only a wait with a limit needs to know the time exactly: asking the host costs more than the rest of a call.
  w.started = clockNow();
  w.deadline = now + min<u32>(timeout, 0x7fffffff);
  deadlineBefore(idOfSocket(indexOf(s)), w.deadline);
}

/** The current caller's `op` on s is finished. */
// @ts-ignore: decorator
@inline export function waitEnd(s: Socket, op: u32): void { if (TINY || s.waits) end(s, op); }

function end(s: Socket, op: u32): void {
  const r = find(s.waits, op);
  if (r) { s.waits = waitWithout(s.waits, r); waitRelease(r); }
}

/** Tells those who wait for one of the operations in `ops` (bits 1 << OP_) to try again, and the selects that watch s. */
export function wake(s: Socket, ops: u32): void {
  for (let r = s.waits; r; r = waitAt(r).next) if (ops & (1 << waitAt(r).op)) waitEnqueue(r);
  if (has(s, S_WATCHED)) { s.flags &= ~S_WATCHED; wakeSelects(); }
}

function wakeSelects(): void { for (let r = selects; r; r = waitAt(r).next) waitEnqueue(r); }

/** Ends the waits made through descriptor `h` (all of them for 0): their callers get WSAEINTR (C-39, C-40). */
export function cancelWaits(s: Socket, h: u32): void {
  let r = s.waits;
  while (r) {
    const w = waitAt(r), next = w.next;
    if (h == 0 || w.handle == h) { s.waits = waitWithout(s.waits, r); detach(r, W_CANCELLED); }
    r = next;
  }
}

function detach(ref: u32, state: u8): void {
  const w = waitAt(ref);
  w.state = state;
  w.socket = -1;
  w.next = detached;
  detached = ref;
  waitEnqueue(ref);
}

/** Like enter, for calls that may wait: one whose descriptor was closed or which was cancelled meanwhile gets WSAEINTR. */
export function enterWaiting(h: u32, op: u32): i32 {
  const e = enter(h);
  if (e) return e == WSAENOTSOCK && detached && takeDetached(h, op) == WSAEINTR ? WSAEINTR : e;
  if (!it.waits) return 0;
  const r = find(it.waits, op);
  if (!r || waitAt(r).state != W_CANCELLED) return 0;
  waitEnd(it, op);
  return WSAEINTR;
}

/** Answer kept for the current caller's (h, op): WSAEINTR, LASTACK_WAIT, -1 = done; 0 if there is none. */
function takeDetached(h: u32, op: u32): i32 {
  for (let r = detached; r; r = waitAt(r).next) {
    const w = waitAt(r);
    if (w.handle != h || <u32>w.op != op || w.caller != currentCaller) continue;
    if (w.state == W_WAITING) return LASTACK_WAIT;
    const code: i32 = w.state == W_CANCELLED ? WSAEINTR : -1;
    detached = waitWithout(detached, r);
    waitRelease(r);
    return code;
  }
  return 0;
}

/**
 * WSPCancelBlockingCall: every waiting call of the current caller will end with WSAEINTR. A connect attempt or a close
 * that waited goes on without it. False if the caller has no call waiting.
 */
export function cancelCaller(): bool {
  let found = false;
  for (let r: u32 = 1; r <= used; r++) {
    const w = waitAt(r);
    if (!w.op || w.caller != currentCaller || w.state != W_WAITING) continue;
    if (<u32>w.op == OP_CLOSE && w.socket >= 0) { socketAt(<u32>w.socket).closeWait = 0; w.socket = -1; }
    w.state = W_CANCELLED;
    waitEnqueue(r);
    found = true;
  }
  return found;
}

/** Leaves the record of a closesocket that lingers; its descriptor goes at once. False if no record can be had. */
export function lingerWait(s: Socket, h: u32): bool {
  const r = waitAllocate(OP_CLOSE, h);
  if (!r) return false;
  waitAt(r).next = detached;
  detached = r;
  waitAt(r).socket = <i32>indexOf(s);
  s.closeWait = r;
  return true;
}

/** The linger wait of s is over, if anybody waits. */
export function lingerOver(s: Socket): void {
  const r = s.closeWait;
  if (!r) return;
  s.closeWait = 0;
  waitAt(r).socket = -1;
  waitAt(r).state = W_DONE;
  waitEnqueue(r);
}

/** Answer for a repeated closesocket of `h`: -1 = it has returned 0, an error code, or 0 = nothing is known of it. */
export function lingerAnswer(h: u32): i32 { return startups && detached ? takeDetached(h, OP_CLOSE) : 0; }

/** Record + 1 of the current caller's select, 0 if there is none. */
export function selectOf(): u32 { return find(selects, OP_SELECT); }
export function selectCancelled(ref: u32): bool { return waitAt(ref).state == W_CANCELLED; }

/** Starts a select of the current caller, to end after `timeout` ms if timed. */
export function selectWait(timed: bool, timeout: u32): u32 {
  const r = waitAllocate(OP_SELECT, 0);
  if (!r) return 0;
  const w = waitAt(r);
  w.next = selects;
  selects = r;
  if (timed) {
    w.timed = 1;
    w.started = clockNow();
    w.deadline = now + timeout;
  }
  return r;
}

/** The select's deadline is kept by s, whose timer is its own. */
export function selectOn(ref: u32, s: Socket): void {
  const w = waitAt(ref);
  w.told = w.queued;
  w.socket = <i32>indexOf(s);
  if (w.timed) deadlineBefore(idOfSocket(indexOf(s)), w.deadline);
}

export function selectExpired(ref: u32): bool {
  const w = waitAt(ref);
  if (!w.timed) return false;
  clockSample();
  return due(w.deadline);
}

export function selectEnd(ref: u32): void { selects = waitWithout(selects, ref); waitRelease(ref); }

/** s is closed: the selects that watch it look again (C-41, C-42), and none leaves its deadline with it. */
export function selectsLeave(s: Socket): void {
  const i = <i32>indexOf(s);
  for (let r = selects; r; r = waitAt(r).next) if (waitAt(r).socket == i) { waitAt(r).socket = -1; waitEnqueue(r); }
  wake(s, 0);
}

/** Wakes whoever timed out on socket object `i` and keeps the next deadline. */
export function waitsTimer(i: u32): void {
  for (let r = socketAt(i).waits; r; r = waitAt(r).next) expire(r, i);
  for (let r = selects; r; r = waitAt(r).next) if (waitAt(r).socket == <i32>i) expire(r, i);
}

function expire(ref: u32, i: u32): void {
  const w = waitAt(ref);
  if (!w.timed) return;
  if (due(w.deadline)) waitEnqueue(ref); else deadlineBefore(idOfSocket(i), w.deadline);
}

/** Forgets every answer for callers of before: the last WSPCleanup (C-53). */
export function waitsForget(): void {
  while (selects) { const r = selects; selects = waitAt(r).next; waitRelease(r); }
  while (detached) { const r = detached; detached = waitAt(r).next; waitRelease(r); }
}
