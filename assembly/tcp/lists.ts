/**
 * Where a block can stand: doubly linked lists (a listener's children), the queue of blocks with
 * something to send, and the queue of blocks with news for their owner. Every operation is O(1).
 */
import { Endpoint, indexOf, M_CHANGED, M_FLAGGED, M_USED, tcb } from "./tcb";

/** A list: index + 1 of its first and last block, 0 = none, and how many stand in it. */
// @ts-ignore: decorator
@unmanaged
export class List {
  first: u32;
  last: u32;
  count: u32;
}

/** Appends block i; it must not stand in a list. */
export function listPush(list: List, i: i32): void {
  const t = tcb(i);
  t.prev = list.last;
  t.next = 0;
  if (list.last) tcb(<i32>list.last - 1).next = <u32>i + 1; else list.first = <u32>i + 1;
  list.last = <u32>i + 1;
  list.count++;
}

/** Removes block i, which stands in this list. */
export function listRemove(list: List, i: i32): void {
  const t = tcb(i);
  if (t.prev) tcb(<i32>t.prev - 1).next = t.next; else list.first = t.next;
  if (t.next) tcb(<i32>t.next - 1).prev = t.prev; else list.last = t.prev;
  t.prev = 0;
  t.next = 0;
  list.count--;
}

let flaggedFirst: u32 = 0;
let flaggedLast: u32 = 0;
let changedFirst: u32 = 0;
let changedLast: u32 = 0;

/** Half-open children of all listeners together. */
export let embryosTotal: u32 = 0;
export function embryosCount(more: i32): void { embryosTotal += <u32>more; }

export function listsReset(): void {
  embryosTotal = 0;
  flaggedFirst = 0;
  flaggedLast = 0;
  changedFirst = 0;
  changedLast = 0;
}

/** Has something to send: egress will call tcpOutput. */
export function flag(e: Endpoint): void {
  if (e.marks & M_FLAGGED) return;
  e.marks |= M_FLAGGED;
  e.flaggedNext = 0;
  const i = <u32>indexOf(e) + 1;
  if (flaggedLast) tcb(<i32>flaggedLast - 1).flaggedNext = i; else flaggedFirst = i;
  flaggedLast = i;
}

/** Flags connection i again, e.g. because the device was full. Harmless if it is flagged. */
export function tcpFlag(i: i32): void { flag(tcb(i)); }

/** Takes the connection that was flagged first; -1 if none is. */
export function tcpFlaggedTake(): i32 {
  if (!flaggedFirst) return -1;
  const i = <i32>flaggedFirst - 1, t = tcb(i);
  flaggedFirst = t.flaggedNext;
  if (!flaggedFirst) flaggedLast = 0;
  t.marks &= ~M_FLAGGED;
  return i;
}

/** Some connection has something to send. */
// @ts-ignore: decorator
@inline export function tcpFlagged(): bool { return flaggedFirst != 0; }
/** Some connection or listener may have news for its owner. */
// @ts-ignore: decorator
@inline export function tcpChanged(): bool { return changedFirst != 0; }

/** Remembers NOTIFY_x bits for the owner and queues the block once. Without an owner they wait for one. */
export function notify(e: Endpoint, bits: u32): void {
  e.notify |= bits;
  if (e.owner >= 0) announce(e);
}

/** Queues the block for its owner. */
export function announce(e: Endpoint): void {
  if (e.marks & M_CHANGED) return;
  e.marks |= M_CHANGED;
  e.changedNext = 0;
  const i = <u32>indexOf(e) + 1;
  if (changedLast) tcb(<i32>changedLast - 1).changedNext = i; else changedFirst = i;
  changedLast = i;
}

/** Takes the next connection or listener with news for its owner; -1 if there is none. */
export function tcpChangedTake(): i32 {
  while (changedFirst) {
    const i = <i32>changedFirst - 1, t = tcb(i);
    changedFirst = t.changedNext;
    if (!changedFirst) changedLast = 0;
    t.marks &= ~M_CHANGED;
    if (t.marks & M_USED && t.owner >= 0 && t.notify) return i;
  }
  return -1;
}

/** Takes the NOTIFY_x bits of connection i. */
export function tcpNotifyTake(i: i32): u32 {
  const t = tcb(i), bits = t.notify;
  t.notify = 0;
  return bits;
}
