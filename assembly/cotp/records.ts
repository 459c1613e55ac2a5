/**
 * Received messages in the ring: records of a 4-byte header, length << 1 | end of message, and their octets. A message that is longer
 * than the ring has room for, or was read in part, is several records, of which the last has the end.
 */
import { ringAt, ringEnsure, ringFree, ringGet, ringPut, ringRun, ringUsed } from "../memory/ring";
import { Association, records } from "./association";

const HEADER: u32 = 4;
const WORD: usize = TINY ? 0 : memory.data(4, 4);

function headerAt(a: Association, offset: u32): u32 {
  ringGet(records(a), offset, WORD, HEADER);
  return load<u32>(WORD);
}
function headerPut(a: Association, offset: u32, value: u32): void {
  store<u32>(WORD, value);
  ringPut(records(a), offset, WORD, HEADER);
}

/** Octets that may be appended now. */
export function recordRoom(a: Association): u32 {
  const used = ringUsed(records(a)) + (a.growing ? 0 : HEADER);
  return used < a.limit ? a.limit - used : 0;
}

/** Room for n more octets of the message under way; false without memory. */
function grow(a: Association, n: u32): bool {
  const r = records(a), used = ringUsed(r);
  if (!ringEnsure(r, used + HEADER + n, used)) return false;
  if (a.growing) return true;
  headerPut(a, used, 0);
  a.youngest = r.tail;
  r.tail += HEADER;
  a.growing = 1;
  return true;
}

/** A contiguous place for at most `want` octets of the message under way, to be filled and committed; 0 without memory. */
export function recordReserve(a: Association, want: u32): usize {
  if (!grow(a, want)) return 0;
  const r = records(a), used = ringUsed(r);
  reserved = min(want, ringRun(r, used));
  return ringAt(r, used);
}
let reserved: u32 = 0;
export function recordReserved(): u32 { return reserved; }

/** The first n octets of the place are there. */
export function recordCommit(a: Association, n: u32): void {
  const r = records(a), at = a.youngest - r.head;
  r.tail += n;
  a.unread += n;
  headerPut(a, at, headerAt(a, at) + (n << 1));
}

/** The message under way is complete; false without memory for its end. */
export function recordEnd(a: Association): bool {
  if (!grow(a, 0)) return false;
  const at = a.youngest - records(a).head;
  headerPut(a, at, headerAt(a, at) | 1);
  a.growing = 0;
  a.complete++;
  return true;
}

/** True if there is a record that can be read, be it empty with an end. */
export function recordAny(a: Association): bool { return a.unread != 0 || a.complete != 0; }
/** Octets of the oldest record, and whether it has its message's end. */
export function recordLength(a: Association): u32 { return ringUsed(records(a)) ? headerAt(a, 0) >> 1 : 0; }
export function recordEnds(a: Association): bool { return ringUsed(records(a)) != 0 && (headerAt(a, 0) & 1) != 0; }

/** Copies n octets of the oldest record from offset `from`. */
export function recordCopy(a: Association, from: u32, dst: usize, n: u32): void { if (n) ringGet(records(a), HEADER + from, dst, n); }

/** The oldest n octets were read, and with the last of a record its end. */
export function recordTake(a: Association, n: u32): void {
  const r = records(a), header = headerAt(a, 0), left = (header >> 1) - n, only = a.growing && a.youngest == r.head;
  a.unread -= n;
  if (left) {
    r.head += n;
    headerPut(a, 0, (left << 1) | (header & 1));
    if (only) a.youngest = r.head;
    return;
  }
  r.head += HEADER + n;
  if (header & 1) a.complete--;
  // What is still to come of the message starts a record of its own.
  if (only) a.growing = 0;
  if (!ringUsed(r)) ringFree(r);
}

/** Throws everything away; returns the octets. */
export function recordsDrop(a: Association): u32 {
  const n = a.unread;
  ringFree(records(a));
  a.unread = a.complete = 0;
  a.growing = 0;
  return n;
}
