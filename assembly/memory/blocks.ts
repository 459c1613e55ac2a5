/**
 * Buddy allocator for buffers: blocks of 2 KiB << order, aligned to their size relative to the region's start.
 * Grows linear memory on request up to the ceiling; no other part of the core does after configure.
 *
 * A map has one byte per 2 KiB unit: 0 = inside a block, 0x80|order = head of an allocated block, 0x40|order = head of a free one, 0x20 = a
 * spare. A free block holds its list links: next @0, prev @4. The map begins with what is there and grows with the region, to twice its size
 * each time; from then on it stands in a block of its own.
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
/** Units added at once when the region grows, so that memory.grow stays rare: a quarter of those there are, between 64 KiB and 1 MiB. */
const GROW_LEAST: u32 = 32;
const GROW_MOST: u32 = 512;
const GROW_SHARE: u32 = 2;
/** Units that the map tells of at first, at least: 8 MiB. */
const MAPPED_LEAST: u32 = 4096;

const lists = memory.data(ORDERS * 4, 4);
let map: usize = 0;
/** Units that the map has a byte for. */
let mapped: u32 = 0;
/** The map stands in a block of this order, in none if it is ORDERS. */
let mapOrder: u32 = ORDERS;
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
  const there = arenaEnd() > arenaCursor() ? <u32>(arenaEnd() - arenaCursor()) >> BLOCK_SHIFT : 0;
  mapped = MAPPED_LEAST;
  while (mapped < max(there, minimumUnits)) mapped <<= 1;
  mapped = min(mapped, maxUnits);
  mapOrder = ORDERS;
  map = carve(mapped);
  if (!map) return false;
  const mask: usize = (1 << BLOCK_SHIFT) - 1;
  base = (arenaCursor() + mask) & ~mask;
  maxUnits = base < arenaLimit() ? <u32>(arenaLimit() - base) >> BLOCK_SHIFT : 0;
  if (maxUnits < minimumUnits) return false;
  ample = blockRoom() - (blockRoom() >> RESERVE_SHIFT);
  if (!arenaExtend(base + (<usize>minimumUnits << BLOCK_SHIFT))) return false;
  append(min(min(mapped, maxUnits), <u32>(arenaEnd() - base) >> BLOCK_SHIFT));
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

/** The end of the first block of that order that may begin at or behind the end of the region: blocks are aligned to their size. */
// @ts-ignore: decorator
@inline function endBehind(order: u32): u32 { return ((units + (1 << order) - 1) & -(1 << order)) + (1 << order); }

function grow(order: u32): bool {
  if (TINY) return false;
  let least = endBehind(order);
  if (least > mapped) {
    if (!mapGrow(least)) return false;
    // The map may have taken a place there, and left one free in front of it.
    if (hasFree(order)) return true;
    least = endBehind(order);
  }
  if (least > min(maxUnits, mapped) || least < units) return false;
  let upTo = min(min(maxUnits, mapped), max(least, units + min(GROW_MOST, max(GROW_LEAST, units >> GROW_SHARE))));
  if (!arenaExtend(unitPtr(upTo))) {
    upTo = least;
    if (!arenaExtend(unitPtr(upTo))) return false;
  }
  append(upTo);
  return true;
}

/** Makes the map tell of `upTo` units at least, wherever there is room for it: false if there is none. */
function mapGrow(upTo: u32): bool {
  if (upTo > maxUnits) return false;
  // What the new map itself may add to the region, and a block of the size that is wanted behind it.
  let n = mapped;
  while (n < maxUnits && n < upTo + (upTo - units) + (n >> (BLOCK_SHIFT - 2))) n <<= 1;
  const order = blockOrder(n), old = map, oldOrder = mapOrder, oldSize = mapped;
  let u = freeTake(order);
  if (u < 0) {
    const end = endBehind(order);
    if (end > maxUnits || !arenaExtend(unitPtr(end))) return false;
    u = <i32>(end - (1 << order));
  }
  map = unitPtr(<u32>u);
  memory.copy(map, old, oldSize);
  memory.fill(map + oldSize, 0, n - oldSize);
  mapped = n;
  mapOrder = order;
  if (<u32>u >= units) {
    append(<u32>u);
    units = <u32>u + (1 << order);
  }
  store<u8>(map + <usize>u, <u8>(USED | order));
  keptBytes += 1 << (BLOCK_SHIFT + order);
  if (oldOrder < ORDERS) {
    keptBytes -= 1 << (BLOCK_SHIFT + oldOrder);
    release(<u32>((old - base) >> BLOCK_SHIFT), oldOrder);
  }
  return true;
}

function hasFree(order: u32): bool {
  for (let o = order; o < ORDERS; o++) if (load<u32>(head(o))) return true;
  return false;
}

/** The first unit of a block of that order, taken off the free lists but not marked; -1 if there is none. */
function freeTake(order: u32): i32 {
  let o = order;
  while (o < ORDERS && !load<u32>(head(o))) o++;
  if (o >= ORDERS) return -1;
  const u = <u32>((<usize>load<u32>(head(o)) - base) >> BLOCK_SHIFT);
  unlink(u, o);
  while (o > order) { o--; push(u + (1 << o), o); }
  return <i32>u;
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
  let u = freeTake(order);
  while (u < 0) {
    // Spares may be what keeps larger blocks from forming.
    if (!sparesRelease() && !grow(order)) return 0;
    u = freeTake(order);
  }
  store<u8>(map + <usize>u, <u8>(USED | order));
  blockBytes += 1 << (BLOCK_SHIFT + order);
  return unitPtr(<u32>u);
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

/** A block for a table: it does not count as a buffer. 0 when memory is used up. */
export function blockKeep(order: u32): usize {
  const p = blockAlloc(order);
  if (p) {
    blockBytes -= 1 << (BLOCK_SHIFT + order);
    keptBytes += 1 << (BLOCK_SHIFT + order);
  }
  return p;
}

/** Gives back a block of blockKeep. */
export function blockGive(p: usize): void {
  const bytes = <u32>1 << (BLOCK_SHIFT + (<u32>load<u8>(map + ((p - base) >> BLOCK_SHIFT)) & 0x3f));
  keptBytes -= bytes;
  blockBytes += bytes;
  blockFree(p);
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
