/**
 * What was sent again and is not known to have arrived, in the order of sending, so that the loss of a repetition is noticed too
 * (RFC 8985 §6.2). Segments sent once need no record: their order is that of their sequence numbers. Not in tiny.
 *
 * Records come from one pool; a connection has CAP of them at most. One that finds no record is repeated by the timer.
 */
import { seqGeq, seqGt, seqLeq, seqLt, seqMax, seqMin } from "../base/seq";
import { now } from "../base/time";
import { chunkAt, chunkEnsure, chunksCarve } from "../memory/chunks";
import { freeLink, freeNext } from "../memory/freelist";
import { rangeEnd, rangeFirst, rangeNext, rangesSkip, rangeStart } from "../memory/ranges";
import { lossTake, sackedList, Tcb } from "./tcb";

const CAP: u32 = 64;

// @ts-ignore: decorator
@unmanaged
class Repair {
  start: u32;
  end: u32;
  /** SND.NXT when it left: what lies beyond was sent later. */
  edge: u32;
  /** When it left. */
  at: u32;
  /** Next record + 1, 0 at the end. */
  next: u32;
  /** Something sent later has arrived; since the reordering window was over it counts as lost. */
  overtaken: bool;
  lost: bool;
}

/** Records lie at multiples of four. */
const STRIDE: u32 = (<u32>offsetof<Repair>() + 3) & ~3;

let pool: usize = 0;
let capacity: u32 = 0;
let free: u32 = 0;

/** Carves the pool. */
export function repairsReset(nodes: u32): bool {
  capacity = nodes;
  pool = chunksCarve(nodes, STRIDE);
  if (!pool) return false;
  free = 1;
  return true;
}

// @ts-ignore: decorator
@inline function node(i: u32): Repair { return changetype<Repair>(chunkAt(pool, i - 1, STRIDE)); }

function drop(t: Tcb, prev: u32, at: u32): u32 {
  const next = node(at).next;
  if (prev) node(prev).next = next; else t.repairs = next;
  node(at).next = freeLink(free);
  free = at;
  return next;
}

/** [start, end) leaves again now: what earlier records say of it is out of date. */
export function repairSent(t: Tcb, start: u32, end: u32): void {
  if (!lossTake(t)) return;
  let prev: u32 = 0, n: u32 = 0;
  for (let at = t.repairs; at;) {
    const r = node(at);
    if (seqGeq(r.start, start) && seqLeq(r.end, end)) { at = drop(t, prev, at); continue; }
    if (seqLt(r.start, start)) r.end = seqMin(r.end, start); else r.start = seqMax(r.start, end);
    prev = at;
    at = r.next;
    n++;
  }
  if (n >= CAP || !free || !chunkEnsure(pool, free - 1, capacity, STRIDE)) return;
  const fresh = free, r = node(fresh);
  free = freeNext(r.next, fresh, capacity);
  r.start = start;
  r.end = end;
  r.edge = t.sndNxt;
  r.at = now;
  r.next = 0;
  r.overtaken = false;
  r.lost = false;
  if (prev) node(prev).next = fresh; else t.repairs = fresh;
}

/** True if the peer has it, by SEG.ACK or by SACK. */
function arrived(t: Tcb, r: Repair): bool {
  if (seqLeq(r.end, t.sndUna)) return true;
  for (let at = rangeFirst(sackedList(t)); at && seqLeq(rangeStart(at), r.start); at = rangeNext(at)) {
    if (seqLeq(r.end, rangeEnd(at))) return true;
  }
  return false;
}

/**
 * An ACK was processed that reaches `highest` by its blocks. Records of what has arrived go; those sent before something that has
 * arrived are overtaken. Returns SND.NXT of the time when the latest repetition that has arrived left (what stood below was sent
 * before it), SND.UNA if none has. `least`: an answer that comes sooner is one to the original.
 */
export function repairsArrived(t: Tcb, highest: u32, least: u32): u32 {
  let edge = t.sndUna, last: u32 = 0;
  for (let at = t.repairs, k: u32 = 1; at; at = node(at).next, k++) {
    const r = node(at);
    if (!r.lost && arrived(t, r) && now - r.at >= least) {
      last = k;
      edge = seqMax(edge, r.edge);
    }
  }
  let prev: u32 = 0;
  for (let at = t.repairs, k: u32 = 1; at; k++) {
    const r = node(at);
    if (arrived(t, r)) { at = drop(t, prev, at); continue; }
    if (k < last || seqGt(highest, r.edge)) r.overtaken = true;
    prev = at;
    at = r.next;
  }
  return edge;
}

/** Those overtaken that left `wait` ms ago or more are lost: true if one is now. `repairsDue` says when to look again. */
export function repairsJudge(t: Tcb, wait: u32): bool {
  let found = false;
  repairsDue = 0;
  for (let at = t.repairs; at; at = node(at).next) {
    const r = node(at);
    if (!r.overtaken || r.lost) continue;
    const age = now - r.at;
    if (age >= wait) {
      r.lost = true;
      found = true;
    } else if (!repairsDue || wait - age < repairsDue) repairsDue = wait - age;
  }
  return found;
}
/** After repairsJudge: ms until the next record will be lost, 0 if none waits. */
export let repairsDue: u32 = 0;

/** Where the missing part of a repetition begins that was lost; SND.NXT if none was. */
export function repairLost(t: Tcb): u32 {
  for (let at = lostFrom(t.repairs); at; at = lostAfter(at)) {
    const from = rangesSkip(sackedList(t), seqMax(node(at).start, t.sndUna));
    if (seqLt(from, node(at).end)) return from;
  }
  return t.sndNxt;
}

/** Handle of the first lost record from `at` on (t.repairs, or what lostAfter says), 0 if there is none. */
export function lostFrom(at: u32): u32 {
  while (at && !node(at).lost) at = node(at).next;
  return at;
}
// @ts-ignore: decorator
@inline export function lostAfter(at: u32): u32 { return lostFrom(node(at).next); }
// @ts-ignore: decorator
@inline export function lostStart(at: u32): u32 { return node(at).start; }
// @ts-ignore: decorator
@inline export function lostEnd(at: u32): u32 { return node(at).end; }

export function repairsForget(t: Tcb): void {
  while (t.repairs) drop(t, 0, t.repairs);
}
