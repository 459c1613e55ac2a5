/**
 * Datagrams that arrive in pieces (RFC 791 §3.2, RFC 815). A bounded number at a time; a piece that overlaps another with different
 * bytes discards the whole datagram (RFC 5722 §4, applied to IPv4 as well), an exact repetition is ignored.
 *
 * The pieces of one datagram are put together in a block: | IP header of the first piece, without options 20 | data ... |
 */
import { STAT_IP_REASM_FAILS, STAT_IP_REASM_OKS } from "../abi/stats";
import { frameBounds, rd8, rd16 } from "../base/bytes";
import { count } from "../base/counters";
import { due, now } from "../base/time";
import { blockAlloc, blockFree, blockOrder, BLOCK_SHIFT } from "../memory/blocks";
import { deadlineBefore } from "../memory/deadlines";
import { idOfReassembly } from "../memory/identities";
import {
  IPV4_HEADER, IPV4_ID, IPV4_MAXIMUM, IPV4_MORE_FRAGMENTS, IPV4_OFFSET_MASK, IPV4_PROTOCOL, ipv4Destination, ipv4Fragment,
  ipv4HeaderLength, ipv4Source, ipv4Total,
} from "../wire/ipv4";

/** Datagrams in progress. Tiny: one, as large as a block of memory/blocks. */
const MAX_DATAGRAMS: u32 = TINY ? 1 : 16;
const LARGEST: u32 = TINY ? 1 << BLOCK_SHIFT : IPV4_MAXIMUM;
/** Runs of data with holes between them, per datagram. */
const MAX_RUNS: u32 = TINY ? 4 : 32;
/** RFC 1122 §3.3.2 wants 60 to 120 s; 30 s is what current stacks keep, and bounds what a flood of pieces can hold. */
const TIMEOUT_MS: u32 = 30000;

// @ts-ignore: decorator
@unmanaged
class Datagram {
  /** Where the pieces are, 0 = entry free. */
  block: usize;
  /** Bytes the block holds after the header. */
  capacity: u32;
  src: u32;
  dst: u32;
  /** Identification << 8 | protocol. */
  key: u32;
  /** When it is given up. */
  expires: u32;
  /** Length of the data, 0 until the last piece has come. */
  total: u32;
  /** Runs held, sorted, neither overlapping nor touching: u16 start, u16 end each, behind this. */
  runs: u32;
}

const STRIDE: u32 = 32 + MAX_RUNS * 4;
const TABLE = memory.data(MAX_DATAGRAMS * STRIDE, 4);

/** The packet reassemble completed: header 20 and data. It stays until reassemblyRelease. */
export let reassembled: usize = 0;
/** Bytes of data in it. */
export let reassembledLength: u32 = 0;

export function reassemblyReset(): void {
  memory.fill(TABLE, 0, MAX_DATAGRAMS * STRIDE);
  reassembled = 0;
}

// @ts-ignore: decorator
@inline function datagram(i: u32): Datagram { return changetype<Datagram>(TABLE + <usize>(i * STRIDE)); }
// @ts-ignore: decorator
@inline function run(d: Datagram, i: u32): usize { return changetype<usize>(d) + 32 + (<usize>i << 2); }
// @ts-ignore: decorator
@inline function runStart(d: Datagram, i: u32): u32 { return load<u16>(run(d, i)); }
// @ts-ignore: decorator
@inline function runEnd(d: Datagram, i: u32): u32 { return load<u16>(run(d, i), 2); }

/** Gives back the packet of the last success. */
export function reassemblyRelease(): void {
  if (reassembled) blockFree(reassembled);
  reassembled = 0;
}

/** Takes in the piece at p, a valid packet. True if it completes its datagram: see `reassembled`. */
export function reassemble(p: usize): bool {
  const header = ipv4HeaderLength(p), n = ipv4Total(p) - header, field = ipv4Fragment(p);
  const start = (field & IPV4_OFFSET_MASK) << 3, end = start + n, more = (field & IPV4_MORE_FRAGMENTS) != 0;
  // Only the last piece may end between multiples of eight; none may reach past the largest packet.
  if (!n || (more && n & 7) || end + IPV4_HEADER > LARGEST) { count(STAT_IP_REASM_FAILS); return false; }
  const d = find(ipv4Source(p), ipv4Destination(p), rd16(p + IPV4_ID) << 8 | rd8(p + IPV4_PROTOCOL));
  if (!insert(d, p + header, start, end, more)) { discard(d); return false; }
  if (!start) {
    memory.copy(d.block, p, IPV4_HEADER);
    // The options stayed behind.
    store<u8>(d.block, 0x45);
  }
  if (!d.total || d.runs != 1 || runStart(d, 0) || runEnd(d, 0) != d.total) return false;
  reassemblyRelease();
  reassembled = d.block;
  reassembledLength = d.total;
  d.block = 0;
  frameBounds(reassembled, reassembledLength + IPV4_HEADER);
  count(STAT_IP_REASM_OKS);
  return true;
}

/** The datagram in progress, or a fresh entry, the oldest one's if all are taken. */
function find(src: u32, dst: u32, key: u32): Datagram {
  let spare = datagram(0);
  for (let i: u32 = 0; i < MAX_DATAGRAMS; i++) {
    const d = datagram(i);
    if (!d.block) { if (spare.block) spare = d; continue; }
    if (d.src == src && d.dst == dst && d.key == key) return d;
    if (spare.block && <i32>(d.expires - spare.expires) < 0) spare = d;
  }
  if (spare.block) discard(spare);
  spare.src = src;
  spare.dst = dst;
  spare.key = key;
  spare.capacity = 0;
  spare.expires = now + TIMEOUT_MS;
  spare.total = 0;
  spare.runs = 0;
  deadlineBefore(idOfReassembly(), spare.expires);
  return spare;
}

function discard(d: Datagram): void {
  if (d.block) blockFree(d.block);
  d.block = 0;
  count(STAT_IP_REASM_FAILS);
}

/** Puts [start, end) in its place; false if the datagram cannot be trusted any more or memory is used up. */
function insert(d: Datagram, data: usize, start: u32, end: u32, more: bool): bool {
  if (d.total ? end > d.total || (!more && end != d.total) : !more && d.runs && runEnd(d, d.runs - 1) > end) return false;
  let i: u32 = 0;
  while (i < d.runs && runEnd(d, i) < start) i++;
  if (i < d.runs && start < runEnd(d, i) && end > runStart(d, i)) {
    // An exact repetition changes nothing; anything else that overlaps is an attack or a broken sender.
    return start >= runStart(d, i) && end <= runEnd(d, i) && !memory.compare(d.block + IPV4_HEADER + start, data, end - start);
  }
  const joinsLeft = i < d.runs && runEnd(d, i) == start, k = joinsLeft ? i + 1 : i;
  if (k < d.runs && end > runStart(d, k)) return false;
  if (!ensure(d, end)) return false;
  memory.copy(d.block + IPV4_HEADER + start, data, end - start);
  if (!more) d.total = end;
  const joinsRight = k < d.runs && end == runStart(d, k);
  if (joinsLeft && joinsRight) { store<u16>(run(d, i), <u16>runEnd(d, k), 2); remove(d, k); }
  else if (joinsLeft) store<u16>(run(d, i), <u16>end, 2);
  else if (joinsRight) store<u16>(run(d, k), <u16>start);
  else return place(d, i, start, end);
  return true;
}

function place(d: Datagram, i: u32, start: u32, end: u32): bool {
  if (d.runs == MAX_RUNS) return false;
  memory.copy(run(d, i + 1), run(d, i), (d.runs - i) << 2);
  store<u16>(run(d, i), <u16>start);
  store<u16>(run(d, i), <u16>end, 2);
  d.runs++;
  return true;
}

function remove(d: Datagram, i: u32): void {
  d.runs--;
  memory.copy(run(d, i), run(d, i + 1), (d.runs - i) << 2);
}

/** Makes the block hold `bytes` of data. */
function ensure(d: Datagram, bytes: u32): bool {
  if (bytes <= d.capacity) return true;
  const order = blockOrder(bytes + IPV4_HEADER), fresh = blockAlloc(order);
  if (!fresh) return false;
  if (d.block) {
    memory.copy(fresh, d.block, d.capacity + IPV4_HEADER);
    blockFree(d.block);
  }
  d.block = fresh;
  d.capacity = (1 << (BLOCK_SHIFT + order)) - IPV4_HEADER;
  return true;
}

/**
 * The deadline of a datagram has come: gives up what has expired. Returns the next one whose first piece is there, so that its
 * sender can be told (its header and first bytes, until the next call); 0 when there are no more.
 */
export function reassemblyTimer(): usize {
  reassemblyRelease();
  for (let i: u32 = 0; i < MAX_DATAGRAMS; i++) {
    const d = datagram(i);
    if (!d.block) continue;
    if (!due(d.expires)) { deadlineBefore(idOfReassembly(), d.expires); continue; }
    count(STAT_IP_REASM_FAILS);
    reassembled = d.block;
    d.block = 0;
    const first = !runStart(d, 0) && runEnd(d, 0) >= 8;
    if (first) { frameBounds(reassembled, IPV4_HEADER + 8); return reassembled; }
    reassemblyRelease();
  }
  return 0;
}
