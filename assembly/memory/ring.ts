/**
 * A byte queue in one block whose capacity is a power of two. Indices run freely and are masked on access.
 * Empty rings own no block; growing moves the bytes to a larger one.
 */
import { BLOCK_SHIFT, blockAlloc, blockFree, blockOrder } from "./blocks";

// @ts-ignore: decorator
@unmanaged
export class Ring {
  /** The block; in tiny the order of its size in the lowest bits. */
  private block: usize;
  /** The capacity; in tiny head and tail, 16 bits each. */
  private size: u32;
  /** From here on not in tiny. */
  private first: u32;
  private past: u32;

  /** The block, 0 while there is none. */
  @inline get base(): usize { return TINY ? this.block & ~ORDER : this.block; }
  /** Capacity in bytes, 0 while there is no block. */
  @inline get capacity(): u32 { return !TINY ? this.size : this.block ? 1 << (BLOCK_SHIFT + (<u32>this.block & <u32>ORDER)) : 0; }
  /** Index of the first byte held. */
  @inline get head(): u32 { return TINY ? <u32>load<u16>(changetype<usize>(this), INDICES) : this.first; }
  set head(v: u32) { if (TINY) store<u16>(changetype<usize>(this), v, INDICES); else this.first = v; }
  /** Index after the last byte held. */
  @inline get tail(): u32 { return TINY ? <u32>load<u16>(changetype<usize>(this), INDICES + 2) : this.past; }
  set tail(v: u32) { if (TINY) store<u16>(changetype<usize>(this), v, INDICES + 2); else this.past = v; }

  /** Has this block of 2 KiB << order, or none. */
  @inline take(block: usize, order: u32): void {
    this.block = TINY ? block | <usize>order : block;
    if (!TINY) this.size = block ? 1 << (BLOCK_SHIFT + order) : 0;
  }
}

/** Bytes of a ring. */
export const RING_SIZE: u32 = TINY ? <u32>offsetof<Ring>("first") : <u32>offsetof<Ring>();
/** Tiny: blocks begin at multiples of 8 and none has more than 2 KiB << 5. */
const ORDER: usize = 7;
/** Tiny: where head and tail stand, and the bits of each: no ring there holds as many bytes. */
const INDICES: usize = offsetof<Ring>("size");
const INDEX: u32 = 0xffff;

// @ts-ignore: decorator
@inline export function ringUsed(r: Ring): u32 { return TINY ? (r.tail - r.head) & INDEX : r.tail - r.head; }

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
  r.take(fresh, order);
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
  r.take(0, 0);
  r.head = r.tail;
}
