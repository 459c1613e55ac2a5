/**
 * Deadline queue: a binary heap of timer identities, O(log n). An identity has at most one deadline; owners with several
 * timers keep them in their own block and enter the earliest. Re-arming later than what stands is free: leave the earlier
 * deadline, and compute anew when it fires.
 *
 * heap[i] = identity; slot[identity] = heap position + 1 (0 = not queued); at[identity] = deadline (milliseconds, serial).
 */
import { carve } from "./arena";
import { now } from "../base/time";

let heap: usize = 0;
let slot: usize = 0;
let times: usize = 0;
let length: u32 = 0;

export function deadlinesReset(identities: u32): bool {
  length = 0;
  heap = carve(identities * 4);
  slot = carve(identities * 4);
  times = carve(identities * 4);
  return heap != 0 && slot != 0 && times != 0;
}

// @ts-ignore: decorator
@inline function idAt(i: u32): u32 { return load<u32>(heap + (<usize>i << 2)); }
// @ts-ignore: decorator
@inline function timeOf(id: u32): u32 { return load<u32>(times + (<usize>id << 2)); }
// @ts-ignore: decorator
@inline function place(i: u32, id: u32): void {
  store<u32>(heap + (<usize>i << 2), id);
  store<u32>(slot + (<usize>id << 2), i + 1);
}

function up(i: u32): void {
  const id = idAt(i), t = timeOf(id);
  while (i) {
    const parent = (i - 1) >> 1, other = idAt(parent);
    if (<i32>(t - timeOf(other)) >= 0) break;
    place(i, other);
    i = parent;
  }
  place(i, id);
}

function down(i: u32): void {
  const id = idAt(i), t = timeOf(id);
  for (;;) {
    let child = i * 2 + 1;
    if (child >= length) break;
    if (child + 1 < length && <i32>(timeOf(idAt(child + 1)) - timeOf(idAt(child))) < 0) child++;
    if (<i32>(timeOf(idAt(child)) - t) >= 0) break;
    place(i, idAt(child));
    i = child;
  }
  place(i, id);
}

/** Sets the deadline of `id` to exactly `at`. */
export function deadlineSet(id: u32, at: u32): void {
  const s = load<u32>(slot + (<usize>id << 2)), old = timeOf(id);
  store<u32>(times + (<usize>id << 2), at);
  if (!s) { place(length, id); length++; up(length - 1); }
  else if (<i32>(at - old) < 0) up(s - 1);
  else if (at != old) down(s - 1);
}

/** Makes sure `id` fires no later than `at`; an earlier deadline stays. */
export function deadlineBefore(id: u32, at: u32): void {
  if (!load<u32>(slot + (<usize>id << 2)) || <i32>(at - timeOf(id)) < 0) deadlineSet(id, at);
}

export function deadlineClear(id: u32): void {
  const s = load<u32>(slot + (<usize>id << 2));
  if (!s) return;
  store<u32>(slot + (<usize>id << 2), 0);
  length--;
  const moved = idAt(length);
  if (moved == id) return;
  place(s - 1, moved);
  up(s - 1);
  down(load<u32>(slot + (<usize>moved << 2)) - 1);
}

/** Takes the identity whose deadline has come, the earliest first; -1 if none is due. */
export function deadlineTake(): i32 {
  if (!length) return -1;
  const id = idAt(0);
  if (<i32>(now - timeOf(id)) < 0) return -1;
  deadlineClear(id);
  return <i32>id;
}

/** Milliseconds until the earliest deadline, 0 if it is due, -1 if there is none. */
export function deadlineNext(): i32 {
  if (!length) return -1;
  const d = <i32>(timeOf(idAt(0)) - now);
  return d < 0 ? 0 : d;
}
