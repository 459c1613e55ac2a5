/**
 * What a spec can do to the world its module runs in (world.mjs). One world per spec file: time starts at 0, random
 * bytes come from a fixed seed, and every file descriptor is the same one device.
 */

/** Moves clock_time_get forward by a number of milliseconds. */
// @ts-ignore: decorator
@external("world", "advance")
export declare function advance(ms: u32): void;

/** Queues a frame for the next fd_read. */
// @ts-ignore: decorator
@external("world", "offer")
export declare function offer(ptr: usize, len: u32): void;

/** Copies the oldest frame that fd_write took to ptr; returns its length, 0 if there is none. */
// @ts-ignore: decorator
@external("world", "taken")
export declare function taken(ptr: usize, capacity: u32): u32;

/** Lets fd_write answer EAGAIN from now on (1), or take frames again (0). */
// @ts-ignore: decorator
@external("world", "deviceFull")
export declare function deviceFull(on: i32): void;
