/**
 * A connection's two buffers. They own a block only while they hold something or did so a moment ago, so that idle
 * connections cost a control block and nothing else; they grow by doubling up to their limits.
 */
import { TCP_CLOSED } from "../abi/winsock";
import { STAT_TCP_NO_BUFFER } from "../abi/stats";
import { count } from "../base/counters";
import { now } from "../base/time";
import { BLOCK_SHIFT } from "../memory/blocks";
import { rangesEnd, rangesFree } from "../memory/ranges";
import { Ring, ringEnsure, ringFree, ringUsed } from "../memory/ring";
import { outOfOrderList, rcvRing, sndRing, Tcb } from "./tcb";
import { arm, armed, T_IDLE } from "./timer";

/** An empty buffer is kept this long, milliseconds, so that a busy connection does not allocate at every turn. */
const IDLE_MS: u32 = 1000;
/** Capacity of a ring in a smallest block. */
const SMALLEST: u32 = 1 << BLOCK_SHIFT;

/** Bytes queued to send and not acknowledged. */
// @ts-ignore: decorator
@inline export function sndUsed(t: Tcb): u32 { return ringUsed(sndRing(t)); }
/** Bytes received in order and not read. */
// @ts-ignore: decorator
@inline export function rcvUnread(t: Tcb): u32 { return ringUsed(rcvRing(t)); }

/** Makes room for `more` bytes behind those queued to send. */
export function sndReserve(t: Tcb, more: u32): bool {
  const r = sndRing(t), used = ringUsed(r);
  if (!used) rewind(r);
  if (used + more < used || used + more > 1 << 30) return false;
  return ringEnsure(r, used + more, used);
}

/** Makes room for text that ends `ahead` bytes after RCV.NXT, keeping what is held out of order. Counts a failure. */
export function rcvReserve(t: Tcb, ahead: u32): bool {
  const r = rcvRing(t), used = ringUsed(r);
  if (!used && !t.outOfOrder) rewind(r);
  if (!TINY && used + ahead <= r.capacity) return true;
  const held = rangesEnd(outOfOrderList(t), t.rcvNxt) - t.rcvNxt;
  if (ringEnsure(r, used + ahead, used + held)) return true;
  count(STAT_TCP_NO_BUFFER);
  return false;
}

/** An empty ring starts at its block's beginning: the longest contiguous run. */
// @ts-ignore: decorator
@inline function rewind(r: Ring): void {
  r.head = 0;
  r.tail = 0;
}

/**
 * To be called when a buffer has run empty. A smallest block goes back at once: taking one costs next to nothing, and the next
 * connection finds it in the cache. A larger one stays for a while, since growing again means copying.
 */
export function bufferEmptied(t: Tcb): void {
  if (TINY) {
    buffersIdle(t, true);
    return;
  }
  const snd = sndRing(t), rcv = rcvRing(t);
  if (snd.capacity == SMALLEST && !ringUsed(snd)) ringFree(snd);
  if (rcv.capacity == SMALLEST && !ringUsed(rcv) && !t.outOfOrder) ringFree(rcv);
  if (snd.base | rcv.base && !armed(t, T_IDLE)) arm(t, T_IDLE, IDLE_MS);
}

/** The T_IDLE timer: gives empty buffers back if nothing moved lately. */
export function buffersIdle(t: Tcb, atOnce: bool): void {
  if (!atOnce && t.state != TCP_CLOSED && (now - t.heardAt < IDLE_MS || now - t.sentAt < IDLE_MS)) {
    if ((sndRing(t).base && !sndUsed(t)) || (rcvRing(t).base && !rcvUnread(t))) arm(t, T_IDLE, IDLE_MS);
    return;
  }
  if (!sndUsed(t)) ringFree(sndRing(t));
  if (!rcvUnread(t) && !t.outOfOrder) ringFree(rcvRing(t));
}

/** Gives up what is queued to send: it counts as lost. */
export function sndFlush(t: Tcb): void {
  t.bytesLost += sndUsed(t);
  ringFree(sndRing(t));
}

/** Gives up what was received and not read: it counts as discarded. */
export function rcvFlush(t: Tcb): void {
  t.bytesDiscarded += rcvUnread(t);
  ringFree(rcvRing(t));
  rangesFree(outOfOrderList(t));
}

/** Gives up what came out of order. */
export function rcvForgetAhead(t: Tcb): void {
  rangesFree(outOfOrderList(t));
  if (!rcvUnread(t)) ringFree(rcvRing(t));
}
