/**
 * What the peer says it has beyond SND.UNA, and what follows from it: which bytes are lost, which are still in the network
 * (RFC 6675 §4). Only hints: nothing leaves the send queue before SND.UNA has passed it (RFC 2018 §8). Not in tiny.
 *
 * Whatever the blocks of a peer say, a list holds at most RANGES of them, and an ACK costs a few walks along it.
 */
import { seqGeq, seqGt, seqLeq, seqLt, seqMax, seqMin } from "../base/seq";
import { rangeEnd, rangeFirst, rangeNext, rangesAdd, rangesAdvance, rangesEnd, rangesFree, rangesSkip, rangeStart } from "../memory/ranges";
import { optionSackBlocks, tcpSackLeft, tcpSackRight } from "../wire/tcp";
import { lostAfter, lostEnd, lostFrom, lostStart, repairsForget } from "./repairs";
import { lossTake, sackedList, Tcb } from "./tcb";
import { segAck } from "./segment_in";

/** Ranges kept; blocks that would need more are forgotten. */
const RANGES: u32 = 64;
/** DupThresh of RFC 6675 §2. */
const DUP_THRESHOLD: u32 = 3;

/** The segment's first block says that something came twice (RFC 2883 §4). */
export let sackTwice: bool = false;
/** What sackHighest said before the segment; its blocks tell of something below that, never sent again: the path changed the order. */
export let sackBefore: u32 = 0;
export let sackLate: bool = false;
/** Bytes the list had before the segment. */
export let sackHeldBefore: u32 = 0;

/** After sackMeasure: enough lies beyond a hole for RFC 6675. */
export let sackCertain: bool = false;

/** Bytes in the list. */
export function sackHeld(t: Tcb): u32 {
  let bytes: u32 = 0;
  for (let at = rangeFirst(sackedList(t)); at; at = rangeNext(at)) bytes += rangeEnd(at) - rangeStart(at);
  return bytes;
}

/**
 * Update() of RFC 6675: takes the blocks of the arriving segment, SEG.ACK not below SND.UNA. Blocks of what was never sent, of what
 * SEG.ACK covers (RFC 2883: it came twice) and of nothing are passed over. True if something is known that was not.
 */
// @ts-ignore: decorator
@inline export function sackTake(t: Tcb): bool {
  sackTwice = false;
  sackLate = false;
  sackBefore = sackHighest(t);
  sackHeldBefore = t.sacked ? sackHeld(t) : 0;
  if (!optionSackBlocks || !lossTake(t)) return false;
  sackTwice = seqLt(tcpSackLeft(0), tcpSackRight(0)) && seqLeq(tcpSackRight(0), segAck) && seqGeq(tcpSackRight(0), segAck - (1 << 20));
  const before = sackHeldBefore;
  let beyond: u32 = 0;
  for (let k: u32 = 0; k < optionSackBlocks; k++) {
    const left = tcpSackLeft(k), right = tcpSackRight(k);
    if (seqLt(left, right) && seqGt(left, segAck) && seqLeq(right, t.sndNxt) && seqLt(left, t.sndNxt)) {
      const highest = sackHighest(t);
      if (seqGt(right, highest)) beyond += right - seqMax(left, highest);
      rangesAdd(sackedList(t), left, right, RANGES);
    }
  }
  const after = sackHeld(t);
  sackLate = !t.repairs && before != 0 && after - before > beyond && after > before;
  return after > before;
}

/** After SND.UNA, the list or what was sent again has changed: computes lostEdge and leftNetwork, `repairedTo` = HighRxt. */
// @ts-ignore: decorator
@inline export function sackMeasure(t: Tcb, repairedTo: u32): void {
  sackCertain = false;
  if (!t.loss) return;
  const una = t.sndUna, enough = (DUP_THRESHOLD - 1) * <u32>t.sndMss;
  rangesAdvance(sackedList(t), una);
  let bytes: u32 = 0, n: u32 = 0;
  for (let at = rangeFirst(sackedList(t)); at; at = rangeNext(at)) {
    bytes += rangeEnd(at) - rangeStart(at);
    n++;
  }
  // IsLost(): three ranges above it, or more bytes than two segments hold.
  let lost = una, above = bytes;
  for (let at = rangeFirst(sackedList(t)); at && (n >= DUP_THRESHOLD || above > enough); at = rangeNext(at)) {
    lost = rangeStart(at);
    above -= rangeEnd(at) - rangeStart(at);
    n--;
  }
  sackCertain = seqGt(lost, una);
  // On a path that changes the order time alone judges (RFC 8985 §6.2 step 4).
  if (t.reordered) lost = una;
  lost = seqMax(lost, t.rackLost);
  t.lostEdge = lost;
  // SetPipe(): what is lost and not sent again has left; what is not lost and sent again is there twice.
  const repaired = seqMax(una, repairedTo);
  t.leftNetwork = bytes + missing(t, repaired, lost) - missing(t, lost, repaired);
  // What was sent again and lost again has left too. Repetitions may overlap.
  for (let at = lostFrom(t.repairs); at; at = lostAfter(at)) t.leftNetwork += missing(t, seqMax(una, lostStart(at)), seqMin(repaired, lostEnd(at)));
  if (<i32>t.leftNetwork > <i32>(t.sndNxt - una)) t.leftNetwork = t.sndNxt - una;
}

/** Bytes of [from, to) that are not in the list; 0 if the interval is empty. */
function missing(t: Tcb, from: u32, to: u32): u32 {
  if (!seqLt(from, to)) return 0;
  let bytes = to - from;
  for (let at = rangeFirst(sackedList(t)); at && seqLt(rangeStart(at), to); at = rangeNext(at)) {
    const start = seqMax(rangeStart(at), from), end = seqMin(rangeEnd(at), to);
    if (seqLt(start, end)) bytes -= end - start;
  }
  return bytes;
}

/** The first sequence number from `seq` on that the peer does not say it has. */
export function sackSkip(t: Tcb, seq: u32): u32 { return rangesSkip(sackedList(t), seq); }

/** Where the bytes missing from `seq` on end: the next range, or `end`. */
export function sackGapEnd(t: Tcb, seq: u32, end: u32): u32 {
  for (let at = rangeFirst(sackedList(t)); at; at = rangeNext(at)) {
    if (seqGeq(rangeStart(at), seq)) return seqMin(rangeStart(at), end);
  }
  return end;
}

/** Sequence number after everything the peer says it has; SND.UNA if it says nothing. */
export function sackHighest(t: Tcb): u32 { return rangesEnd(sackedList(t), t.sndUna); }

/** After a timeout nothing of it is believed: the peer may have thrown it away (RFC 2018 §8). */
export function sackForget(t: Tcb): void {
  rangesFree(sackedList(t));
  t.lostEdge = t.sndUna;
  t.rackLost = t.sndUna;
  t.leftNetwork = 0;
  repairsForget(t);
}
