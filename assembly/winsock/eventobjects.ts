/**
 * Event objects, manual reset: WSACreateEvent and its family. They take handles of the socket table's kind beside it and
 * live until WSACloseEvent, whatever happens to the sockets that signal them (semantics E-16).
 */
import { CONFIG_MAX_SOCKETS } from "../abi/config";
import { WSA_WAIT_FAILED, WSA_WAIT_TIMEOUT } from "../abi/winsock";
import { config } from "../base/config";
import { chunkAt, chunkEnsure, chunksCarve } from "../memory/chunks";
import { freeLink, freeNext } from "../memory/freelist";
import { handleAlloc, handleFree, handleObject, KIND_EVENT } from "../memory/handles";
import { mayAccess } from "./result";

// @ts-ignore: decorator
@unmanaged
class EventObject {
  handle: u32;
  /** 1 = signaled. */
  signaled: u8;
  /** 1 while in the announcement queue. */
  queued: u8;
  private nextByte: i8;
  /** From here on not in tiny. */
  private nextWord: u32;

  /** Next in the announcement queue or of the free ones, + 1. */
  @inline get next(): u32 { return TINY ? <u32>this.nextByte : this.nextWord; }
  set next(v: u32) { if (TINY) this.nextByte = <i8>v; else this.nextWord = v; }
}

const STRIDE: u32 = TINY ? 8 : <u32>offsetof<EventObject>();

/** Most handles one WSAWaitForMultipleEvents call looks at. */
const MAXIMUM_WAIT_OBJECTS: u32 = 64;

let table: usize = 0;
let capacity: u32 = 0;
let free: u32 = 0;
let first: u32 = 0;
let last: u32 = 0;

// @ts-ignore: decorator
@inline function at(i: u32): EventObject { return changetype<EventObject>(chunkAt(table, i, STRIDE)); }

export function eventObjectsReset(): bool {
  capacity = TINY ? <u32>TINY_SOCKETS : config(CONFIG_MAX_SOCKETS);
  table = chunksCarve(capacity, STRIDE);
  if (!table) return false;
  free = 1;
  first = last = 0;
  return true;
}

export function isEvent(h: u32): bool { return handleObject(h, KIND_EVENT) >= 0; }

/** A new event object, not signaled; 0 when handles are used up. */
export function WSACreateEvent(): u32 {
  if (!free || !chunkEnsure(table, free - 1, capacity, STRIDE)) return 0;
  const i = free - 1, h = handleAlloc(KIND_EVENT, <i32>i);
  if (!h) return 0;
  const e = at(i);
  free = freeNext(e.next, free, capacity);
  e.handle = h;
  e.signaled = 0;
  e.next = 0;
  e.queued = 0;
  return h;
}

/** Signals an event object: 1, or 0 if `h` is none. The host is told once (EVENT_SIGNALED). */
export function WSASetEvent(h: u32): i32 {
  const i = handleObject(h, KIND_EVENT);
  if (i < 0) return 0;
  const e = at(<u32>i);
  if (!e.signaled && !e.queued) {
    e.queued = 1;
    e.next = 0;
    if (last) at(last - 1).next = <u32>i + 1; else first = <u32>i + 1;
    last = <u32>i + 1;
  }
  e.signaled = 1;
  return 1;
}

/** Resets an event object: 1, or 0 if `h` is none. */
export function WSAResetEvent(h: u32): i32 {
  const i = handleObject(h, KIND_EVENT);
  if (i < 0) return 0;
  at(<u32>i).signaled = 0;
  return 1;
}

/** Closes an event object: 1, or 0 if `h` is none. Sockets that named it signal nothing from now on. */
export function WSACloseEvent(h: u32): i32 {
  const i = handleObject(h, KIND_EVENT);
  if (i < 0) return 0;
  const e = at(<u32>i);
  if (e.queued) unqueue(<u32>i + 1);
  handleFree(h);
  e.next = freeLink(free);
  free = <u32>i + 1;
  return 1;
}

function unqueue(ref: u32): void {
  let prev: u32 = 0;
  for (let r = first; r && r != ref; r = at(r - 1).next) prev = r;
  const next = at(ref - 1).next;
  if (prev) at(prev - 1).next = next; else first = next;
  if (last == ref) last = prev;
  at(ref - 1).queued = 0;
}

/**
 * A poll, never a wait: index of the first signaled event (0 if all are, with waitAll), WSA_WAIT_TIMEOUT if the
 * condition does not hold, WSA_WAIT_FAILED for a bad pointer, handle or count (1 .. 64). Nothing is reset.
 */
export function WSAWaitForMultipleEvents(count: u32, handles: usize, waitAll: i32): i32 {
  if (count == 0 || count > MAXIMUM_WAIT_OBJECTS || !mayAccess(handles, count * 4)) return WSA_WAIT_FAILED;
  let found: i32 = -1, set: u32 = 0;
  for (let k: u32 = 0; k < count; k++) {
    const i = handleObject(load<u32>(handles + <usize>(k << 2)), KIND_EVENT);
    if (i < 0) return WSA_WAIT_FAILED;
    if (at(<u32>i).signaled) { set++; if (found < 0) found = <i32>k; }
  }
  if (waitAll) return set == count ? 0 : WSA_WAIT_TIMEOUT;
  return found < 0 ? WSA_WAIT_TIMEOUT : found;
}

/** Some event object became set, which the host has not been told. */
export function signaledNews(): bool { return first != 0; }

/** Handle of an event object that became set since the last call and still is; 0 if there is none. */
export function signaledTake(): u32 {
  while (first) {
    const e = at(first - 1);
    first = e.next;
    if (!first) last = 0;
    e.queued = 0;
    if (e.signaled) return e.handle;
  }
  return 0;
}
