/**
 * Handles: table index in the low bits, generation above. Free entries queue first in, first out, so that a closed value
 * is not seen again for as long as possible (V-19). 0 and all ones are never issued.
 *
 * Entry: u32 handle value (issued or last issued) @0, i32 object @4, u32 kind @8; of one that is free FREE and next free + 1 there. In tiny
 * object, kind and next are a byte each, from @4 on.
 */
import { carve } from "./arena";

export const KIND_FREE: u32 = 0;
export const KIND_SOCKET: u32 = 1;
export const KIND_EVENT: u32 = 2;
/** A completion port. */
export const KIND_PORT: u32 = 3;

/** Before it was used first an entry is all zero. */
const FREE: u32 = 1 << 31;
const ENTRY: usize = TINY ? 8 : 12;
let table: usize = 0;
let size: u32 = 0;
let bits: u32 = 0;
/** The bits of a handle that are its place. */
let mask: u32 = 0;
/** Entries [fresh, size) were never used and are all zero: they go out before those that were. */
let fresh: u32 = 0;
let first: u32 = 0;
let last: u32 = 0;
/** Handles open now. */
export let handlesOpen: u32 = 0;

export function handlesReset(n: u32): bool {
  size = n;
  bits = n <= 1 ? 1 : 32 - clz(n - 1);
  mask = (1 << bits) - 1;
  handlesOpen = 0;
  table = carve(n * <u32>ENTRY);
  if (!table) return false;
  fresh = 0;
  first = 0;
  last = 0;
  return true;
}

// @ts-ignore: decorator
@inline function isOpen(e: usize): bool { return TINY ? load<u8>(e, 5) != 0 : load<i32>(e, 8) > 0; }

// @ts-ignore: decorator
@inline function entryOf(h: u32): usize {
  const i = h & mask;
  if (i >= size) return 0;
  const e = table + <usize>i * ENTRY;
  return load<u32>(e) == h && isOpen(e) ? e : 0;
}

// @ts-ignore: decorator
@inline function objectOf(e: usize): i32 { return TINY ? <i32>load<u8>(e, 4) : load<i32>(e, 4); }
// @ts-ignore: decorator
@inline function setObject(e: usize, v: i32): void { if (TINY) store<u8>(e, v, 4); else store<i32>(e, v, 4); }
// @ts-ignore: decorator
@inline function kindOf(e: usize): u32 { return TINY ? <u32>load<u8>(e, 5) : load<u32>(e, 8); }
// @ts-ignore: decorator
@inline function setKind(e: usize, v: u32): void { if (TINY) store<u8>(e, v, 5); else store<u32>(e, v, 8); }
// @ts-ignore: decorator
@inline function nextOf(e: usize): u32 { return TINY ? <u32>load<u8>(e, 6) : load<u32>(e, 8) & ~FREE; }
/** Free, with the next one's place + 1 or 0. */
function setFree(e: usize, next: u32): void {
  if (TINY) { setKind(e, KIND_FREE); store<u8>(e, next, 6); }
  else store<u32>(e, FREE | next, 8);
}

/** A new handle of `kind` for `object`; 0 when the table is full. */
export function handleAlloc(kind: u32, object: i32): u32 {
  let e: usize, h: u32;
  if (fresh < size) {
    e = table + <usize>fresh * ENTRY;
    h = fresh + (1 << bits);
    fresh++;
  } else {
    if (!first) return 0;
    e = table + <usize>(first - 1) * ENTRY;
    first = nextOf(e);
    if (!first) last = 0;
    h = load<u32>(e) + (1 << bits);
  }
  while (h == 0 || h == 0xffffffff) h += 1 << bits;
  store<u32>(e, h);
  setObject(e, object);
  setKind(e, kind);
  handlesOpen++;
  return h;
}

/** Object of an open handle of that kind (not KIND_FREE), -1 for anything else. */
// @ts-ignore: decorator
@inline export function handleObject(h: u32, kind: u32): i32 {
  const i = h & mask, e = table + <usize>i * ENTRY;
  return i < size && load<u32>(e) == h && kindOf(e) == kind ? objectOf(e) : -1;
}

/** Object that the closed handle h named last; -1 if h is open, or its place in the table has been given away again. */
export function handleFormer(h: u32): i32 {
  const i = h & mask;
  if (i >= size) return -1;
  const e = table + <usize>i * ENTRY;
  return load<u32>(e) == h && !isOpen(e) ? objectOf(e) : -1;
}

/** Kind of an open handle, KIND_FREE for anything else. */
export function handleKind(h: u32): u32 {
  const e = entryOf(h);
  return e ? kindOf(e) : KIND_FREE;
}

export function handleFree(h: u32): void {
  const e = entryOf(h);
  if (!e) return;
  setFree(e, 0);
  const i = <u32>((e - table) / ENTRY) + 1;
  if (last) setFree(table + <usize>(last - 1) * ENTRY, i); else first = i;
  last = i;
  handlesOpen--;
}

/** The open handle at table position i (0 .. handleCapacity-1), 0 if that entry is free. For clean-up walks. */
export function handleAt(i: u32): u32 {
  const e = table + <usize>i * ENTRY;
  return isOpen(e) ? load<u32>(e) : 0;
}
export function handleCapacity(): u32 { return size; }
