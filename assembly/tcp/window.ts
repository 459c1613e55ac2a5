/**
 * The window we offer: limit minus unread, moved in useful steps only (RFC 9293 §3.8.6.2.2), its right edge never drawn back.
 */
import { seqGt } from "../base/seq";
import { BLOCK_SHIFT, blocksShort } from "../memory/blocks";
import { rcvRing, Tcb } from "./tcb";
import { rcvUnread } from "./buffers";

const WINDOW_MAX: u32 = 65535;

/** Shift that lets 16 bits describe `limit` bytes. */
export function scaleFor(limit: u32): u32 {
  let shift: u32 = 0;
  while (shift < 14 && limit >> shift > WINDOW_MAX) shift++;
  return shift;
}

/** The window a SYN offers. */
// @ts-ignore: decorator
@inline export function synWindow(t: Tcb): u32 { return min<u32>(rcvRoom(t), WINDOW_MAX); }

/** Bytes the peer may still send by what we told it. */
// @ts-ignore: decorator
@inline export function rcvWindow(t: Tcb): u32 { return seqGt(t.rcvAdv, t.rcvNxt) ? t.rcvAdv - t.rcvNxt : 0; }

/** Bytes the receive buffer may hold: its limit, or while memory is short what it has already, so that nothing offered is dropped. */
function rcvRoom(t: Tcb): u32 {
  return !TINY && blocksShort() ? min(t.rcvLimit, max<u32>(rcvRing(t).capacity, 1 << BLOCK_SHIFT)) : t.rcvLimit;
}

/** The right edge the next segment will offer: where it was, or further if that gains min(half the buffer, a segment). */
export function windowEdge(t: Tcb): u32 {
  const limit = rcvRoom(t), unread = rcvUnread(t);
  const room = min<u32>(limit > unread ? limit - unread : 0, WINDOW_MAX << <u32>t.rcvScale);
  const edge = t.rcvNxt + room, gain = <i32>(edge - t.rcvAdv);
  return gain >= <i32>min<u32>(limit >> 1, t.rcvMss) && gain > 0 ? edge : t.rcvAdv;
}

/** The window field for that edge. Scaling rounds down: the peer may see a few bytes less than it was told, never more. */
export function windowField(t: Tcb, edge: u32): u32 {
  return seqGt(edge, t.rcvNxt) ? min<u32>((edge - t.rcvNxt) >> <u32>t.rcvScale, WINDOW_MAX) : 0;
}

/**
 * After the caller has read: true if the peer should hear of the larger window without waiting for other traffic, because
 * half of the buffer or less is left of what it was told.
 */
export function windowUpdateDue(t: Tcb): bool {
  return rcvWindow(t) <= t.rcvLimit >> 1 && windowEdge(t) != t.rcvAdv;
}
