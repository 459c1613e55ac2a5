/**
 * Sorted, disjoint ranges of sequence numbers: what was received out of order, what the peer says it has. Nodes come from one pool; each list is bounded
 * by its caller's cap, so a peer that sends holes costs a fixed amount of memory and of walking.
 *
 * A list is a u32 in its owner: node index + 1 of the first range, 0 = none.
 */
import { chunkAt, chunkEnsure, chunksCarve } from "./chunks";
import { freeLink, freeNext } from "./freelist";
import { seqGeq, seqGt, seqLeq, seqLt } from "../base/seq";

// @ts-ignore: decorator
@unmanaged
class Range {
  /** First sequence number held. */
  start: u32;
  /** Sequence number after the last held. */
  end: u32;
  /** Next node + 1, 0 at the end. */
  next: u32;
}

let pool: usize = 0;
let capacity: u32 = 0;
let free: u32 = 0;

export function rangesReset(nodes: u32): bool {
  capacity = nodes;
  pool = chunksCarve(nodes, <u32>offsetof<Range>());
  if (!pool) return false;
  free = 1;
  return true;
}

// @ts-ignore: decorator
@inline function node(i: u32): Range { return changetype<Range>(chunkAt(pool, i - 1, <u32>offsetof<Range>())); }

function recycle(i: u32): void { node(i).next = freeLink(free); free = i; }

/**
 * Adds [start, end) to the list at `list`, joining what it touches. Returns false, leaving the list unchanged, if that would
 * need a node and the list has `cap` already or the pool is empty.
 */
export function rangesAdd(list: usize, start: u32, end: u32, cap: u32): bool {
  let prev: u32 = 0, at = load<u32>(list), n: u32 = 0;
  while (at && seqLt(node(at).end, start)) { prev = at; at = node(at).next; n++; }
  if (at && seqLeq(node(at).start, end)) {
    const r = node(at);
    if (seqLt(start, r.start)) r.start = start;
    if (seqGt(end, r.end)) {
      r.end = end;
      // Swallow the ranges the longer one now reaches.
      while (r.next && seqLeq(node(r.next).start, r.end)) {
        const gone = r.next;
        if (seqGt(node(gone).end, r.end)) r.end = node(gone).end;
        r.next = node(gone).next;
        recycle(gone);
      }
    }
    return true;
  }
  for (let i = at; i; i = node(i).next) n++;
  if (n >= cap || !free || !chunkEnsure(pool, free - 1, capacity, <u32>offsetof<Range>())) return false;
  const fresh = free;
  free = freeNext(node(fresh).next, fresh, capacity);
  node(fresh).start = start;
  node(fresh).end = end;
  node(fresh).next = at;
  if (prev) node(prev).next = fresh; else store<u32>(list, fresh);
  return true;
}

/** Removes the ranges that `next` has reached and returns how far the contiguous data goes (≥ next). */
export function rangesAdvance(list: usize, next: u32): u32 {
  let at = load<u32>(list);
  while (at && seqGeq(next, node(at).start)) {
    if (seqGt(node(at).end, next)) next = node(at).end;
    const gone = at;
    at = node(at).next;
    recycle(gone);
  }
  store<u32>(list, at);
  return next;
}

export function rangesFree(list: usize): void {
  let at = load<u32>(list);
  while (at) { const gone = at; at = node(at).next; recycle(gone); }
  store<u32>(list, 0);
}

/** Handle of the lowest range, 0 if the list is empty. Handles are valid until the list changes. */
// @ts-ignore: decorator
@inline export function rangeFirst(list: usize): u32 { return load<u32>(list); }
/** Handle of the next higher range, 0 after the last. */
// @ts-ignore: decorator
@inline export function rangeNext(at: u32): u32 { return node(at).next; }
// @ts-ignore: decorator
@inline export function rangeStart(at: u32): u32 { return node(at).start; }
/** Sequence number after the last one of a range. */
// @ts-ignore: decorator
@inline export function rangeEnd(at: u32): u32 { return node(at).end; }

/** Start and end of the k-th range of a list (0 = lowest); false past the last. */
export function rangeGet(list: usize, k: u32, out: usize): bool {
  let at = load<u32>(list);
  while (at && k) { at = node(at).next; k--; }
  if (!at) return false;
  store<u32>(out, node(at).start);
  store<u32>(out, node(at).end, 4);
  return true;
}

/** The first sequence number from `seq` on that no range holds. */
export function rangesSkip(list: usize, seq: u32): u32 {
  for (let at = load<u32>(list); at && seqLeq(node(at).start, seq); at = node(at).next) {
    if (seqLt(seq, node(at).end)) return node(at).end;
  }
  return seq;
}

/** Sequence number after the highest byte held, or `none` if the list is empty. */
export function rangesEnd(list: usize, none: u32): u32 {
  let at = load<u32>(list);
  if (!at) return none;
  while (node(at).next) at = node(at).next;
  return node(at).end;
}
