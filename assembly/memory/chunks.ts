/**
 * Tables whose memory comes when it is first used, sixty-four entries at a time, and stays: a stack configured for 100,000 sockets pays for
 * those it has. A table is known by its directory, the addresses of its chunks. In tiny it is simply one piece.
 */
import { carve } from "./arena";
import { blockKeep, blockOrder, blockRoom, BLOCK_SHIFT } from "./blocks";

const SHIFT: u32 = 6;
const ENTRIES: u32 = 1 << SHIFT;
/** Orders of the blocks that chunks are cut from where memory is ample: each is larger than the one before, so that little is left over. */
const CUT_FIRST: u32 = 5;
const CUT_LAST: u32 = 8;
/** What counts as ample for a block of that order: bytes for each byte of it. */
const AMPLE_SHIFT: u32 = 6;

let cutAt: usize = 0;
let cutEnd: usize = 0;
let cutOrder: u32 = 0;

/** To be called before the first chunksCarve of a configuration. */
export function chunksReset(): void {
  cutAt = 0;
  cutEnd = 0;
  cutOrder = CUT_FIRST;
}

/** A table of n entries of `stride` bytes, all zero; 0 if not even its directory fits. */
export function chunksCarve(n: u32, stride: u32): usize { return carve(TINY ? n * stride : ((n + ENTRIES - 1) >> SHIFT) << 2); }

/** Entry i of a table, which chunkEnsure has answered true for once. */
// @ts-ignore: decorator
@inline export function chunkAt(table: usize, i: u32, stride: u32): usize {
  return TINY ? table + <usize>(i * stride) : <usize>load<u32>(table + <usize>((i >> SHIFT) << 2)) + <usize>((i & (ENTRIES - 1)) * stride);
}

/** Makes entry i of a table of n usable; false if memory is used up. */
export function chunkEnsure(table: usize, i: u32, n: u32, stride: u32): bool {
  if (TINY) return true;
  const at = table + <usize>((i >> SHIFT) << 2);
  if (!load<u32>(at)) store<u32>(at, <u32>cut(min(n, ENTRIES) * stride));
  return load<u32>(at) != 0;
}

/** `size` zeroed bytes for good, at the beginning of a cache line; 0 if there are none. */
function cut(size: u32): usize {
  const bytes = (<usize>size + 63) & ~63;
  if (cutAt + bytes > cutEnd && !cutBlock(<u32>bytes)) return 0;
  const at = cutAt;
  cutAt += bytes;
  memory.fill(at, 0, bytes);
  return at;
}

/** Another block to cut from, of `least` bytes at least; what was left of the last one stays unused. */
function cutBlock(least: u32): bool {
  let order = blockOrder(least);
  const large = max(order, cutOrder);
  let at = ample(large) ? blockKeep(large) : 0;
  if (at) {
    order = large;
    if (cutOrder < CUT_LAST && ample(cutOrder + 1)) cutOrder++;
  } else at = blockKeep(order);
  if (!at) return false;
  cutAt = at;
  cutEnd = at + (<usize>1 << (BLOCK_SHIFT + order));
  return true;
}

function ample(order: u32): bool { return blockRoom() >> (BLOCK_SHIFT + AMPLE_SHIFT + order) != 0; }
