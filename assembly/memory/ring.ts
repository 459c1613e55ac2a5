/**
 * A byte queue in one block whose capacity is a power of two. Indices run freely and are masked on access.
 * Empty rings own no block; growing moves the bytes to a larger one.
 */
import { BLOCK_SHIFT, blockAlloc, blockFree, blockOrder } from "./blocks";

// @ts-ignore: decorator
@unmanaged
export class Ring {
  /** The block, 0 while there is none. */
  base: usize;
  /** Capacity in bytes, 0 while there is no block. */
  capacity: u32;
  /** Index of the first byte held. */
  head: u32;
  /** Index after the last byte held. */
  tail: u32;
}

// @ts-ignore: decorator
@inline export function ringUsed(r: Ring): u32 { return r.tail - r.head; }

/** Address of the byte `offset` after the head; valid only if there is a block. */
// @ts-ignore: decorator
@inline export function ringAt(r: Ring, offset: u32): usize { return r.base + <usize>((r.head + offset) & (r.capacity - 1)); }

/** Bytes that lie contiguously from `offset` after the head to the end of the block. */
// @ts-ignore: decorator
@inline export function ringRun(r: Ring, offset: u32): u32 { return r.capacity - ((r.head + offset) & (r.capacity - 1)); }

/** Makes room for `need` bytes after the head, keeping the first `span` (held, or stored ahead of the tail). */
// @ts-ignore: decorator
@inline export function ringEnsure(r: Ring, need: u32, span: u32): bool { return (!TINY && need <= r.capacity) || ringGrow(r, need, span); }

function ringGrow(r: Ring, need: u32, span: u32): bool {
  if (TINY && need <= r.capacity) return true;
  const order = blockOrder(need), fresh = blockAlloc(order);
  if (!fresh) return false;
  const capacity = <u32>1 << (BLOCK_SHIFT + order);
  if (r.base) {
    // Keep free-running indices: bytes go where the new mask expects them.
    let i: u32 = 0;
    while (i < span) {
      const n = min(min(span - i, ringRun(r, i)), capacity - ((r.head + i) & (capacity - 1)));
      memory.copy(fresh + <usize>((r.head + i) & (capacity - 1)), ringAt(r, i), n);
      i += n;
    }
    blockFree(r.base);
  }
  r.base = fresh;
  r.capacity = capacity;
  return true;
}

/** Stores `len` bytes at `offset` after the head; the tail does not move. Room must have been ensured. */
export function ringPut(r: Ring, offset: u32, src: usize, len: u32): void {
  // Where memory.copy is a call out of the module it costs more than a byte.
  if (len == 1) { store<u8>(ringAt(r, offset), load<u8>(src)); return; }
  const first = min(len, ringRun(r, offset));
  memory.copy(ringAt(r, offset), src, first);
  if (len > first) memory.copy(r.base, src + first, len - first);
}

/** Copies out `len` bytes at `offset` after the head; the head does not move. */
export function ringGet(r: Ring, offset: u32, dst: usize, len: u32): void {
  const first = min(len, ringRun(r, offset));
  memory.copy(dst, ringAt(r, offset), first);
  if (len > first) memory.copy(dst + first, r.base, len - first);
}

/** Gives the block back; whatever was held is gone. */
export function ringFree(r: Ring): void {
  if (r.base) blockFree(r.base);
  r.base = 0;
  r.capacity = 0;
  r.head = r.tail;
}
