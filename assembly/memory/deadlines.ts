/**
 * Deadline queue: a heap of timer identities, O(log n). An identity has at most one deadline; owners with several timers keep them
 * in their own block and enter the earliest. Re-arming later than what stands is free: leave the earlier deadline, and compute
 * anew when it fires.
 *
 * Tiny has so few that it looks at each: heap[identity] = deadline, slot[identity] = 1 if it counts, a byte.
 * Else heap[i] = { deadline (milliseconds, serial), identity }, eight children to an entry in one cache line, so that a queue of 100,000
 * costs a handful of them; slot[identity] = heap position + 1 (0 = not queued). The heap takes memory as it grows. A deadline that finds
 * none (slot MISSED) is not forgotten: at the earliest time of all those, each of them is taken as due, and its owner looks and sets it anew.
 */
import { carve } from "./arena";
import { chunkAt, chunkEnsure, chunksCarve } from "./chunks";
import { now } from "../base/time";

/** Children of entry i: (i << ARITY_SHIFT) + 1 and those behind it. */
const ARITY_SHIFT: u32 = 3;
/** Places in front of entry 0, so that entry 1, a first child, begins a cache line. */
const FRONT: u32 = 7;
const ENTRY: u32 = 8;
const MISSED: u32 = 0xffffffff;
/** Later than any deadline, milliseconds. */
const FAR: u32 = 0x7fffffff;

let heap: usize = 0;
let slot: usize = 0;
let length: u32 = 0;
let identities: u32 = 0;
/** Identities whose slot says MISSED, the earliest of their times; where the walk that takes them stands, 0 = none is under way. */
let missed: u32 = 0;
let missedAt: u32 = 0;
let walk: u32 = 0;

export function deadlinesReset(n: u32): bool {
  length = 0;
  if (TINY) {
    length = n;
    heap = carve(n * 4);
    slot = carve(n);
    return heap != 0 && slot != 0;
  }
  missed = 0;
  walk = 0;
  identities = n;
  heap = chunksCarve(n + FRONT, ENTRY);
  slot = carve(n * 4);
  return heap != 0 && slot != 0;
}

// @ts-ignore: decorator
@inline function entry(i: u32): usize { return chunkAt(heap, i + FRONT, ENTRY); }
// @ts-ignore: decorator
@inline function timeAt(i: u32): u32 { return load<u32>(entry(i)); }
// @ts-ignore: decorator
@inline function idAt(i: u32): u32 { return load<u32>(entry(i), 4); }
// @ts-ignore: decorator
@inline function place(i: u32, id: u32, at: u32): void {
  const e = entry(i);
  store<u32>(e, at);
  store<u32>(e, id, 4);
  store<u32>(slot + (<usize>id << 2), i + 1);
}

/** Puts an entry where it belongs, from the free place i upwards. */
function up(i: u32, id: u32, at: u32): void {
  while (i) {
    const parent = (i - 1) >> ARITY_SHIFT, other = timeAt(parent);
    if (<i32>(at - other) >= 0) break;
    place(i, idAt(parent), other);
    i = parent;
  }
  place(i, id, at);
}

/** The same downwards. */
function down(i: u32, id: u32, at: u32): void {
  for (;;) {
    let child = (i << ARITY_SHIFT) + 1;
    if (child >= length) break;
    const end = min(child + (1 << ARITY_SHIFT), length);
    let first = timeAt(child);
    for (let k = child + 1; k < end; k++) {
      const other = timeAt(k);
      if (<i32>(other - first) < 0) { first = other; child = k; }
    }
    if (<i32>(first - at) >= 0) break;
    place(i, idAt(child), first);
    i = child;
  }
  place(i, id, at);
}

/** Tiny: the identity with the earliest deadline, -1 if there is none. */
function earliest(): i32 {
  let first: i32 = -1;
  for (let id: u32 = 0; id < length; id++) {
    if (load<u8>(slot + <usize>id) && (first < 0 || <i32>(tinyTime(id) - tinyTime(first)) < 0)) first = <i32>id;
  }
  return first;
}
// @ts-ignore: decorator
@inline function tinyTime(id: u32): u32 { return load<u32>(heap + (<usize>id << 2)); }

/** Sets the deadline of `id` to exactly `at`; where memory is used up, to `at` or earlier. */
export function deadlineSet(id: u32, at: u32): void {
  if (TINY) {
    store<u32>(heap + (<usize>id << 2), at);
    store<u8>(slot + <usize>id, 1);
    return;
  }
  const s = slotOf(id);
  if (!s) { enter(id, at); return; }
  const old = timeAt(s - 1);
  if (<i32>(at - old) < 0) up(s - 1, id, at);
  else if (at != old) down(s - 1, id, at);
}

/** Position + 1 in the heap, 0 = in none. */
// @ts-ignore: decorator
@inline function slotOf(id: u32): u32 {
  const s = load<u32>(slot + (<usize>id << 2));
  return s == MISSED ? 0 : s;
}

/** Takes in an identity that stands nowhere, or among those missed. */
function enter(id: u32, at: u32): void {
  if (chunkEnsure(heap, length + FRONT, identities + FRONT, ENTRY)) {
    forget(id);
    length++;
    up(length - 1, id, at);
    return;
  }
  if (!missed || <i32>(at - missedAt) < 0) missedAt = at;
  if (load<u32>(slot + (<usize>id << 2)) == MISSED) return;
  store<u32>(slot + (<usize>id << 2), MISSED);
  missed++;
}

/** Takes `id` out of those missed, if it is one of them. */
function forget(id: u32): void {
  if (load<u32>(slot + (<usize>id << 2)) != MISSED) return;
  store<u32>(slot + (<usize>id << 2), 0);
  missed--;
}

/** Makes sure `id` fires no later than `at`; an earlier deadline stays. */
export function deadlineBefore(id: u32, at: u32): void {
  if (TINY) {
    if (!load<u8>(slot + <usize>id) || <i32>(at - tinyTime(id)) < 0) deadlineSet(id, at);
    return;
  }
  const s = slotOf(id);
  if (!s || <i32>(at - timeAt(s - 1)) < 0) deadlineSet(id, at);
}

export function deadlineClear(id: u32): void {
  if (TINY) {
    store<u8>(slot + <usize>id, 0);
    return;
  }
  if (missed) forget(id);
  const s = load<u32>(slot + (<usize>id << 2));
  if (!s) return;
  store<u32>(slot + (<usize>id << 2), 0);
  length--;
  const i = s - 1;
  if (i == length) return;
  const moved = idAt(length), at = timeAt(length);
  if (i && <i32>(at - timeAt((i - 1) >> ARITY_SHIFT)) < 0) up(i, moved, at); else down(i, moved, at);
}

/** Takes the identity whose deadline has come, the earliest first; -1 if none is due. */
export function deadlineTake(): i32 {
  if (TINY) {
    const first = earliest();
    if (first < 0 || <i32>(now - tinyTime(first)) < 0) return -1;
    store<u8>(slot + <usize>first, 0);
    return first;
  }
  if (missed) {
    const id = missedTake();
    if (id >= 0) return id;
  }
  if (!length) return -1;
  if (<i32>(now - timeAt(0)) < 0) return -1;
  const id = idAt(0);
  deadlineClear(id);
  return <i32>id;
}

/** The next of those missed, once the earliest of their times has come: each is taken once, and may be missed again. */
function missedTake(): i32 {
  if (!walk) {
    if (<i32>(now - missedAt) < 0) return -1;
    walk = identities;
    // Whatever is missed again during the walk says when the next one begins.
    missedAt = now + FAR;
  }
  while (walk) {
    walk--;
    if (load<u32>(slot + (<usize>walk << 2)) != MISSED) continue;
    forget(walk);
    return <i32>walk;
  }
  return -1;
}

/** Milliseconds until the earliest deadline, 0 if it is due, -1 if there is none. */
export function deadlineNext(): i32 {
  if (!TINY && missed) {
    const left = walk ? 0 : max<i32>(0, <i32>(missedAt - now));
    return length ? min<i32>(left, max<i32>(0, <i32>(timeAt(0) - now))) : left;
  }
  const first = TINY ? earliest() : 0;
  if (first < 0 || !length) return -1;
  const d = <i32>((TINY ? tinyTime(first) : timeAt(0)) - now);
  return d < 0 ? 0 : d;
}
