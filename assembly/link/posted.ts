/**
 * Posted receive buffers (seam.md, Frames): a device in the same process writes frames straight into memory of ours, so that
 * receiving one costs neither a call nor a second copy. Device and core share one record:
 *
 *   0 buffers there are | 4 bytes from one to the next | 8 address of the first, 2 mod 4 | 12 frames filled in | 16 read flag | 20 lengths ...
 *
 * The device fills buffer `filled`, stores its length and counts up; no room means that the device is full. The core takes all of
 * them at its next poll and sets `filled` back to 0, so a short burst touches few buffers. With the read flag set there are frames
 * to be read with fd_read, older than those.
 */
import { POSTED_COUNT, POSTED_FILLED, POSTED_FIRST, POSTED_LENGTHS, POSTED_READ, POSTED_STRIDE } from "../abi/link";
import { blockKeep, blockOrder, blockRoom, BLOCK_SHIFT } from "../memory/blocks";
import { ETHER_HEADER } from "../wire/ethernet";
import { VNET_HEADER } from "../wire/vnet";
import { Device, device, deviceCount, deviceSegments } from "./device";

/** Most buffers of a device: what one poll takes from it. */
const MOST: u32 = 256;
/** Bytes of one device's buffers, unless so few frames fit that a burst would not. */
const BYTES: u32 = 256 * 1024;
const BURST: u32 = 8;
/** The share of all buffer memory that one device may take: 1 / 2^SHARE. */
const SHARE: u32 = 3;

/**
 * Sets up posted buffers for device `i`, at most `frames` of them, for good. Returns the address of the record described above
 * (abi/link POSTED_), 0 if there is none: no such device, one with larger packets than its MTU, memory too small, or a build that has no such thing. Valid until the
 * next configure.
 */
export function devicePost(i: u32, frames: u32): usize {
  if (TINY || i >= deviceCount) return 0;
  const d = device(i);
  if (!d.posted && frames && !deviceSegments(d)) d.posted = post(d, min(frames, MOST));
  return d.posted;
}

function post(d: Device, frames: u32): usize {
  // Frames lie at 2 mod 4, headers of the record at multiples of 64 bytes.
  const stride = (VNET_HEADER + ETHER_HEADER + d.mtu + 2 + 63) & ~63, head = (POSTED_LENGTHS + MOST * 4 + 63) & ~63;
  let order = blockOrder(max(BYTES, head + BURST * stride));
  while (order && <u32>1 << (BLOCK_SHIFT + order) > blockRoom() >> SHARE) order--;
  const size = <u32>1 << (BLOCK_SHIFT + order);
  const count = size > head ? min(frames, (size - head) / stride) : 0;
  const at = count ? blockKeep(order) : 0;
  if (!at) return 0;
  store<u32>(at, count, POSTED_COUNT);
  store<u32>(at, stride, POSTED_STRIDE);
  store<u32>(at, <u32>at + head + 2, POSTED_FIRST);
  store<u32>(at, 0, POSTED_FILLED);
  store<u32>(at, 0, POSTED_READ);
  return at;
}

/** Frames that stand in the buffers of `record`. */
// @ts-ignore: decorator
@inline export function postedFilled(record: usize): u32 { return min(load<u32>(record, POSTED_FILLED), load<u32>(record, POSTED_COUNT)); }

/** All of them are taken: the buffers are the device's again. */
// @ts-ignore: decorator
@inline export function postedTaken(record: usize): void { store<u32>(record, 0, POSTED_FILLED); }

/** Frame k of those, and its length. */
// @ts-ignore: decorator
@inline export function postedFrame(record: usize, k: u32): usize { return <usize>(load<u32>(record, POSTED_FIRST) + k * load<u32>(record, POSTED_STRIDE)); }
// @ts-ignore: decorator
@inline export function postedLength(record: usize, k: u32): u32 {
  return min(load<u32>(record + <usize>(k << 2), POSTED_LENGTHS), load<u32>(record, POSTED_STRIDE) - 2);
}

/** True if frames are to be read with fd_read first; the flag is taken down. */
// @ts-ignore: decorator
@inline export function postedRead(record: usize): bool {
  if (!load<u32>(record, POSTED_READ)) return false;
  store<u32>(record, 0, POSTED_READ);
  return true;
}

/** There are more of those. */
// @ts-ignore: decorator
@inline export function postedReadAgain(record: usize): void { store<u32>(record, 1, POSTED_READ); }
