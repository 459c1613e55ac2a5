/**
 * The receiving half of SACK (RFC 2018): which ranges we tell the peer we hold, the latest first, and what came twice (RFC 2883).
 * Not in tiny.
 */
import { CONFIG_FEATURES, FEATURE_SACK } from "../abi/config";
import { config } from "../base/config";
import { seqLeq, seqLt, seqMin } from "../base/seq";
import { rangeEnd, rangeFirst, rangeNext, rangeStart } from "../memory/ranges";
import { optionSackPermitted, SACK_BLOCK, SACK_ROOM, tcpEmitSack, tcpEmitSackBlock } from "../wire/tcp";
import { AGREED_SACK, lossTake, outOfOrderList, recentPtr, Tcb } from "./tcb";
import { textLen, textSeq } from "./segment_in";

/** Ranges remembered in the order they changed: as many as an option of 40 bytes holds. */
const RECENT: u32 = 4;
/** Longest TCP header. */
const HEADER_MAX: u32 = 60;

/** True if connections permit SACK. */
// @ts-ignore: decorator
@inline export function sackOffered(): bool { return !TINY && (config(CONFIG_FEATURES) & FEATURE_SACK) != 0; }

/** The peer's SYN: only a peer that permits it is sent the option, and only its options are read (RFC 2018 §2). */
export function sackNegotiate(t: Tcb): void {
  if (!optionSackPermitted) t.agreed &= ~AGREED_SACK;
}

/** The range held beyond RCV.NXT that contains `seq`, 0 if there is none. */
function rangeOf(t: Tcb, seq: u32): u32 {
  for (let at = rangeFirst(outOfOrderList(t)); at && seqLeq(rangeStart(at), seq); at = rangeNext(at)) {
    if (seqLt(seq, rangeEnd(at))) return at;
  }
  return 0;
}

/** Text beyond a gap has arrived: if all of it is held already, that is reported. Called before it is kept. */
export function sackDuplicateAhead(t: Tcb): void {
  if (!(t.agreed & AGREED_SACK)) return;
  const at = rangeOf(t, textSeq);
  if (at && seqLeq(textSeq + textLen, rangeEnd(at))) sackDuplicate(t, textSeq + textLen);
}

/** The arriving text up to `end` was there before: the next ACK says so (RFC 2883 §4). */
export function sackDuplicate(t: Tcb, end: u32): void {
  if (!(t.agreed & AGREED_SACK) || !textLen || !lossTake(t)) return;
  t.dupStart = textSeq;
  t.dupEnd = seqMin(end, textSeq + textLen);
}

/** The arriving text was kept: its range is the one to tell of first (RFC 2018 §4). */
export function sackKept(t: Tcb): void {
  if (!(t.agreed & AGREED_SACK) || !lossTake(t)) return;
  const list = recentPtr(t), range = rangeOf(t, textSeq);
  if (!range) return;
  let carried = textSeq;
  for (let k: u32 = 0; k < RECENT; k++) {
    const slot = list + (<usize>k << 2), was = load<u32>(slot);
    store<u32>(slot, carried);
    if (rangeOf(t, was) == range) return; // that place is free now
    carried = was;
  }
}

/**
 * Writes the option behind a header of `header` bytes if there is anything to tell and, beside `len` bytes of text, room in
 * the segment. Returns the header's length with it.
 */
export function sackWrite(t: Tcb, p: usize, header: u32, len: u32): u32 {
  if (!t.outOfOrder && t.dupStart == t.dupEnd) return header;
  let room = HEADER_MAX - header;
  if (len) room = min<u32>(room, <u32>t.sndMss > len ? <u32>t.sndMss - len : 0);
  if (room < SACK_ROOM + SACK_BLOCK) return header;
  const most = (room - SACK_ROOM) / SACK_BLOCK;
  let n: u32 = 0;
  if (t.dupStart != t.dupEnd) tcpEmitSackBlock(p, header, n++, t.dupStart, t.dupEnd);
  let last: u32 = 0;
  for (let k: u32 = 0; k < RECENT && n < most; k++) {
    const range = rangeOf(t, load<u32>(recentPtr(t) + (<usize>k << 2)));
    if (!range || range == last) continue;
    last = range;
    tcpEmitSackBlock(p, header, n++, rangeStart(range), rangeEnd(range));
  }
  return n ? tcpEmitSack(p, header, n) : header;
}
