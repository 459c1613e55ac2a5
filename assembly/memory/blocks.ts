/**
 * Buddy allocator for buffers: blocks of 2 KiB << order, aligned to their size relative to the region's start.
 * Grows linear memory on request up to the ceiling; no other part of the core does after configure.
 *
 * One byte per 2 KiB unit: 0 = inside a block, 0x80|order = head of an allocated block, 0x40|order = head of a free one, 0x20 = a
 * spare. A free block holds its list links: next @0, prev @4.
 *
 * A few smallest blocks that came back last are kept as spares, unjoined: the next to ask finds its block in the cache.
 */
import { arenaCursor, arenaEnd, arenaExtend, arenaLimit, carve } from "./arena";

export const BLOCK_SHIFT: u32 = 11;
const ORDERS: u32 = TINY ? 6 : 20;
const USED: u32 = 0x80;
const FREE: u32 = 0x40;
/** Blocks of up to 2 KiB << SMALL_ORDER are for everybody; larger ones leave 1 / 2^RESERVE_SHIFT of all memory to them. */
const SMALL_ORDER: u32 = 1;
const RESERVE_SHIFT: u32 = 3;
const SPARE: u32 = 0x20;
const SPARES: u32 = TINY ? 0 : 64;
/** Units added at once when the region grows: 1 MiB, so that memory.grow stays rare. */
const GROW_UNITS: u32 = 512;

const lists = memory.data(ORDERS * 4, 4);
let map: usize = 0;
let base: usize = 0;
let units: u32 = 0;
/** First spare (next @0), and how many there are. */
let spare: usize = 0;
let spares: u32 = 0;
let maxUnits: u32 = 0;
/** Bytes handed out now. */
export let blockBytes: u32 = 0;
/** Bytes handed out for good, and from how many on memory is short. */
let keptBytes: u32 = 0;
let ample: u32 = 0;

/** Takes the rest of the arena. `minimumUnits` are there at once, in tiny for good. False if not even those fit. */
export function blocksReset(minimumUnits: u32): bool {
  memory.fill(lists, 0, ORDERS * 4);
  blockBytes = 0;
  units = 0;
  spare = 0;
  spares = 0;
  keptBytes = 0;
  if (TINY) {
    maxUnits = minimumUnits;
    map = carve(maxUnits);
    base = carve(maxUnits << BLOCK_SHIFT);
    if (base) append(maxUnits);
    return base != 0;
  }
  const room = <u32>(arenaLimit() - arenaCursor());
  maxUnits = room >> BLOCK_SHIFT;
  map = carve(maxUnits);
  if (!map) return false;
  const mask: usize = (1 << BLOCK_SHIFT) - 1;
  base = (arenaCursor() + mask) & ~mask;
  maxUnits = base < arenaLimit() ? <u32>(arenaLimit() - base) >> BLOCK_SHIFT : 0;
  if (maxUnits < minimumUnits) return false;
  ample = blockRoom() - (blockRoom() >> RESERVE_SHIFT);
  if (!arenaExtend(base + (<usize>minimumUnits << BLOCK_SHIFT))) return false;
  append(min<u32>(maxUnits, <u32>(arenaEnd() - base) >> BLOCK_SHIFT));
  return true;
}

/** Adds units [units, upTo) to the free lists as the largest aligned blocks. */
function append(upTo: u32): void {
  let u = units;
  units = upTo;
  while (u < upTo) {
    let order: u32 = u ? ctz(u) : ORDERS - 1;
    if (order > ORDERS - 1) order = ORDERS - 1;
    while (u + (1 << order) > upTo) order--;
    release(u, order);
    u += 1 << order;
  }
}

// @ts-ignore: decorator
@inline function unitPtr(u: u32): usize { return base + (<usize>u << BLOCK_SHIFT); }
// @ts-ignore: decorator
@inline function head(order: u32): usize { return lists + (<usize>order << 2); }

function push(u: u32, order: u32): void {
  const p = unitPtr(u), first = load<u32>(head(order));
  store<u32>(p, first);
  store<u32>(p, 0, 4);
  if (first) store<u32>(<usize>first, <u32>p, 4);
  store<u32>(head(order), <u32>p);
  store<u8>(map + u, <u8>(FREE | order));
}

function unlink(u: u32, order: u32): void {
  const p = unitPtr(u), next = load<u32>(p), prev = load<u32>(p, 4);
  if (prev) store<u32>(<usize>prev, next); else store<u32>(head(order), next);
  if (next) store<u32>(<usize>next, prev, 4);
  store<u8>(map + u, 0);
}

/** Returns a block to its list, joining it with its buddy as long as that one is free. */
function release(u: u32, order: u32): void {
  while (order < ORDERS - 1) {
    const buddy = u ^ (1 << order);
    if (buddy + (1 << order) > units || <u32>load<u8>(map + buddy) != (FREE | order)) break;
    unlink(buddy, order);
    store<u8>(map + u, 0);
    u = min(u, buddy);
    order++;
  }
  push(u, order);
}

function grow(order: u32): bool {
  if (TINY) return false;
  const want = <u32>1 << order;
  // The new block must be aligned to its size: it may start only at the next multiple.
  const start = (units + want - 1) & ~(want - 1);
  const least = start + want;
  if (least > maxUnits || least < units) return false;
  let upTo = min(maxUnits, max(least, units + GROW_UNITS));
  if (!arenaExtend(unitPtr(upTo))) {
    upTo = least;
    if (!arenaExtend(unitPtr(upTo))) return false;
  }
  append(upTo);
  return true;
}

/** Smallest order whose block holds `bytes`. */
export function blockOrder(bytes: u32): u32 {
  return bytes <= 1 << BLOCK_SHIFT ? 0 : 32 - clz((bytes - 1) >> BLOCK_SHIFT);
}

/** Memory is short: only small blocks are to be had, so that who has much cannot take what little the others need. Never in tiny. */
export function blocksShort(): bool { return !TINY && blockBytes + keptBytes >= ample; }

/** A block of 2 KiB << order, contents undefined; 0 when memory is used up, or what is left is not for blocks of this size. */
export function blockAlloc(order: u32): usize {
  if (order >= ORDERS) return 0;
  if (!TINY && !order && spare) return spareTake();
  if (!TINY && order > SMALL_ORDER && (<u64>blockBytes + keptBytes + (<u64>1 << (BLOCK_SHIFT + order))) > ample) return 0;
  let o = order;
  for (;;) {
    while (o < ORDERS && !load<u32>(head(o))) o++;
    if (o < ORDERS) break;
    // Spares may be what keeps larger blocks from forming.
    if (!sparesRelease() && !grow(order)) return 0;
    o = order;
  }
  const u = <u32>((<usize>load<u32>(head(o)) - base) >> BLOCK_SHIFT);
  unlink(u, o);
  while (o > order) { o--; push(u + (1 << o), o); }
  store<u8>(map + u, <u8>(USED | order));
  blockBytes += 1 << (BLOCK_SHIFT + order);
  return unitPtr(u);
}

function spareTake(): usize {
  const p = spare;
  spare = <usize>load<u32>(p);
  spares--;
  store<u8>(map + <usize>((p - base) >> BLOCK_SHIFT), <u8>USED);
  blockBytes += 1 << BLOCK_SHIFT;
  return p;
}

/** Gives the spares back to the free lists; false if there are none. */
function sparesRelease(): bool {
  if (TINY || !spare) return false;
  while (spare) {
    const p = spare;
    spare = <usize>load<u32>(p);
    release(<u32>((p - base) >> BLOCK_SHIFT), 0);
  }
  spares = 0;
  return true;
}

/** A block that is never given back: it does not count as a buffer. 0 when memory is used up. */
export function blockKeep(order: u32): usize {
  const p = blockAlloc(order);
  if (p) {
    blockBytes -= 1 << (BLOCK_SHIFT + order);
    keptBytes += 1 << (BLOCK_SHIFT + order);
  }
  return p;
}

/** Bytes that blocks may take in all, those that are taken included. */
export function blockRoom(): u32 { return maxUnits > 1 << (31 - BLOCK_SHIFT) ? 0x80000000 : maxUnits << BLOCK_SHIFT; }

/** Gives a block back. */
export function blockFree(p: usize): void {
  const u = <u32>((p - base) >> BLOCK_SHIFT), order = <u32>load<u8>(map + u) & 0x3f;
  assert(<u32>load<u8>(map + u) & USED, "block freed twice");
  blockBytes -= 1 << (BLOCK_SHIFT + order);
  if (!TINY && !order && spares < SPARES) {
    store<u8>(map + u, <u8>SPARE);
    store<u32>(p, <u32>spare);
    spare = p;
    spares++;
    return;
  }
  release(u, order);
}
