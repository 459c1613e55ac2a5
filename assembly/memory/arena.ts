/**
 * One arena, carved once by `configure`: fixed tables first, then the block region (memory/blocks) up to the ceiling.
 *
 *   | static data | tables carved at configure | 2 KiB blocks … grows on request (full builds) |
 *
 * Tiny: inside the single page, and no more of it than is needed. The first 1,024 bytes, which the compiler leaves free, take the tables
 * that still fit there.
 */

/** Tiny: what lies below the static data, without the address 0. Without optimisation there is nothing. */
const LOW_FIRST: usize = 16;
const LOW_END: usize = ASC_OPTIMIZE_LEVEL >= 2 ? 1024 : LOW_FIRST;

let low: usize = 0;
let cursor: usize = 0;
let end: usize = 0;
let limit: usize = 0;
/** Memory from here on was never written to: it is zero. */
let untouched: usize = 0;

/** Starts carving. `memoryLimit` bounds all of linear memory in bytes. */
export function arenaReset(memoryLimit: u32): void {
  untouched = end;
  low = LOW_FIRST;
  cursor = (__heap_base + 15) & ~15;
  end = <usize>memory.size() << 16;
  limit = TINY ? end : <usize>memoryLimit;
}

/**
 * Carves from [start, start + size) instead, memory that is there already and that the caller gives up. For embedders whose
 * module has a heap of its own behind the static data, as the unit tests' has. Of less than `size` at `first` the rest comes by growing.
 */
export function arenaTake(start: usize, size: u32, first: u32 = size): void {
  cursor = (start + 15) & ~15;
  limit = start + <usize>size;
  end = start + <usize>first;
  untouched = limit;
}

/** Pages added at once where the ceiling allows: a quarter of those there are, at most 1 MiB. */
const GROW_PAGES: i32 = 16;
const GROW_SHARE: usize = 18;

/** Makes [.., to) addressable; false at the ceiling or when the host refuses. */
export function arenaExtend(to: usize): bool {
  if (to <= end) return true;
  if (TINY || to > limit || to < cursor || end == limit) return false;
  const least = <i32>((to - end + 0xffff) >> 16), most = <i32>((limit - end) >> 16);
  // Each growing is dear for the host, whatever its size.
  let pages = max(least, min(min(GROW_PAGES, <i32>(end >> GROW_SHARE)), most));
  if (memory.grow(pages) < 0) {
    pages = least;
    if (memory.grow(pages) < 0) return false;
  }
  end += <usize>pages << 16;
  return true;
}

/** Zeroed, 16-aligned bytes for good; 0 when the ceiling is reached. */
export function carve(size: u32): usize {
  if (TINY) return carveTight((size + 7) & ~7);
  const at = cursor, next = at + ((<usize>size + 15) & ~15);
  if (next < at || !arenaExtend(next)) return 0;
  cursor = next;
  // Zeroing what is zero would have the system find pages for tables that may never be used.
  if (at < untouched) memory.fill(at, 0, min(<usize>size, untouched - at));
  return at;
}

/** The same for tiny: 8-aligned, in the lowest place that has room. */
function carveTight(size: u32): usize {
  let at = low;
  if (at + <usize>size <= LOW_END) low += <usize>size;
  else {
    at = cursor;
    if (at + <usize>size > limit) return 0;
    cursor += <usize>size;
  }
  memory.fill(at, 0, size);
  return at;
}

/** First byte that is not carved yet. */
export function arenaCursor(): usize { return cursor; }
export function arenaEnd(): usize { return end; }
export function arenaLimit(): usize { return limit; }
