/**
 * The only place where the core touches the world: the WASI functions it imports (seam.md, Builds and imports).
 * Signatures come from the wasi-shim's bindings where it has them.
 */
import { clock_time_get, fd_read, fd_write, random_get } from "@assemblyscript/wasi-shim/assembly/bindings/wasi_snapshot_preview1";
import { CLOCK_MONOTONIC, WASI_SUCCESS } from "../abi/link";
import { timeSample } from "../base/time";
import { hashSeed } from "../base/hash";
import { prngSeed } from "../base/prng";

/** A key for the hash, a state for the generator; as many bytes as the pairs of a frame's parts have. */
const SEED_BYTES: i32 = 24;
const SCRATCH = memory.data(8, 8);
/** Up to three { pointer, length } pairs for one fd_write: a header, and text that lies in two pieces. */
const IOVECS = memory.data(SEED_BYTES, 4);
let iovecs: u32 = 0;

/** Samples the monotonic clock into base/time. A host without one leaves the time as it is. */
export function clockSample(): void {
  if (clock_time_get(CLOCK_MONOTONIC, 1, SCRATCH) == <u16>WASI_SUCCESS) timeSample(load<u64>(SCRATCH));
}

/** Seeds the keyed hash and the generator from the host; false if the host has no randomness. */
export function seedFromHost(): bool {
  if (random_get(IOVECS, SEED_BYTES) != <u16>WASI_SUCCESS) return false;
  hashSeed(load<u32>(IOVECS), load<u32>(IOVECS, 4));
  prngSeed(load<u32>(IOVECS, 8), load<u32>(IOVECS, 12), load<u32>(IOVECS, 16), load<u32>(IOVECS, 20));
  return true;
}

/** Reads one frame. Length ≥ 0, or minus the WASI errno (-6 = none now). */
export function frameRead(fd: i32, buffer: usize, capacity: u32): i32 {
  store<u32>(IOVECS, <u32>buffer);
  store<u32>(IOVECS, capacity, 4);
  const e = fd_read(fd, IOVECS, 1, SCRATCH);
  return e ? -<i32>e : min<i32>(load<i32>(SCRATCH), <i32>capacity);
}

/** Starts the parts of a frame to send: frameBegin, framePart …, frameWrite. */
// @ts-ignore: decorator
@inline export function frameBegin(): void { iovecs = 0; }
// @ts-ignore: decorator
@inline export function framePart(ptr: usize, len: u32): void {
  assert((iovecs << 3) < <u32>SEED_BYTES, "too many parts of a frame");
  store<u32>(IOVECS + <usize>(iovecs << 3), <u32>ptr);
  store<u32>(IOVECS + <usize>(iovecs << 3), len, 4);
  iovecs++;
}
/** Writes the collected parts as one frame: 0, or the WASI errno (6 = device full, nothing was taken). */
export function frameWrite(fd: i32): i32 { return <i32>fd_write(fd, IOVECS, iovecs, SCRATCH); }
