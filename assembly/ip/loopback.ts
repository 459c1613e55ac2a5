/**
 * Packets to ourselves: a bounded queue, each packet in a block of its own. Not in tiny.
 *
 *   | next 4 | length 4 | ... 16 | packet ... |
 */
import { WASI_EAGAIN } from "../abi/link";
import { blockAlloc, blockFree, blockOrder } from "../memory/blocks";

const NEXT: usize = 0;
const LENGTH: usize = 4;
const PACKET: usize = 16;
const MAX_PACKETS: u32 = 128;
const MAX_BYTES: u32 = 1 << 22;

let first: usize = 0;
let last: usize = 0;
/** Packets in the queue. */
export let loopbackQueued: u32 = 0;
let bytes: u32 = 0;

export function loopbackReset(): void { first = 0; last = 0; loopbackQueued = 0; bytes = 0; }

/** Queues [head, headLen][p1, n1][p2, n2]: 0, or WASI_EAGAIN while there is no room. */
export function loopbackPut(head: usize, headLen: u32, p1: usize, n1: u32, p2: usize, n2: u32): i32 {
  const total = headLen + n1 + n2;
  if (loopbackQueued == MAX_PACKETS || bytes + total > MAX_BYTES) return WASI_EAGAIN;
  const b = blockAlloc(blockOrder(total + <u32>PACKET));
  // Without memory the packet is lost, as on any link: waiting for memory that others hold could wait for ever.
  if (!b) return 0;
  store<u32>(b, 0, NEXT);
  store<u32>(b, total, LENGTH);
  memory.copy(b + PACKET, head, headLen);
  memory.copy(b + PACKET + headLen, p1, n1);
  memory.copy(b + PACKET + headLen + n1, p2, n2);
  if (last) store<u32>(last, <u32>b, NEXT); else first = b;
  last = b;
  loopbackQueued++;
  bytes += total;
  return 0;
}

/** Takes the oldest packet; 0 if there is none. To be given back with loopbackRelease. */
export function loopbackTake(): usize {
  const b = first;
  if (!b) return 0;
  first = load<u32>(b, NEXT);
  if (!first) last = 0;
  loopbackQueued--;
  bytes -= load<u32>(b, LENGTH);
  return b;
}

// @ts-ignore: decorator
@inline export function loopbackPacket(b: usize): usize { return b + PACKET; }
// @ts-ignore: decorator
@inline export function loopbackLength(b: usize): u32 { return load<u32>(b, LENGTH); }

export function loopbackRelease(b: usize): void { blockFree(b); }
