/**
 * Packets that wait for their neighbour's hardware address. Each lies in a block of its own, ready to be sent:
 *
 *   | next 4 | length 4 | ... | vnet 12 at 22 | Ethernet 14 at 34 | packet at 48 ... |
 *
 * A list is a u32 in its owner: the oldest block, 0 = none.
 */
import { blockAlloc, blockFree, blockOrder } from "../memory/blocks";

const NEXT: usize = 0;
const LENGTH: usize = 4;
const PARKED_VNET: usize = 22;
/** Where the Ethernet header and the packet stand in a block. */
export const PARKED_ETHER: usize = 34;
export const PARKED_PACKET: usize = 48;

/** Per neighbour a datagram of 64 KiB in fragments of an Ethernet; tiny: the packet itself and one more (RFC 1122 §2.3.2.2). */
const PER_LIST: u32 = TINY ? 2 : 48;
const IN_ALL: u32 = TINY ? 4 : 192;
let parked: u32 = 0;

/** After all blocks are gone with their region. */
export function parkingReset(): void { parked = 0; }

// @ts-ignore: decorator
@inline export function parkedNext(block: usize): usize { return load<u32>(block, NEXT); }
// @ts-ignore: decorator
@inline export function parkedLength(block: usize): u32 { return load<u32>(block, LENGTH); }

/** Adds the packet [head, headLen][p1, n1][p2, n2], before which stand the room for an Ethernet header and its vnet header. If there are too many the oldest of the list goes; without memory this one. */
export function park(list: usize, head: usize, headLen: u32, p1: usize, n1: u32, p2: usize, n2: u32): void {
  let n: u32 = 0, tail: usize = 0;
  for (let b = <usize>load<u32>(list); b; b = parkedNext(b)) { tail = b; n++; }
  if (n && (n >= PER_LIST || parked >= IN_ALL)) {
    const oldest = unpark(list);
    if (tail == oldest) tail = 0;
    parkedRelease(oldest);
  }
  const total = headLen + n1 + n2;
  const b = parked < IN_ALL ? blockAlloc(blockOrder(total + <u32>PARKED_PACKET)) : 0;
  if (!b) return;
  parked++;
  store<u32>(b, 0, NEXT);
  store<u32>(b, total, LENGTH);
  if (!TINY) memory.copy(b + PARKED_VNET, head - (PARKED_PACKET - PARKED_VNET), PARKED_ETHER - PARKED_VNET);
  memory.copy(b + PARKED_PACKET, head, headLen);
  memory.copy(b + PARKED_PACKET + headLen, p1, n1);
  memory.copy(b + PARKED_PACKET + headLen + n1, p2, n2);
  if (tail) store<u32>(tail, <u32>b, NEXT); else store<u32>(list, <u32>b);
}

/** Takes the oldest packet off a list; 0 if it is empty. */
export function unpark(list: usize): usize {
  const b = <usize>load<u32>(list);
  if (b) store<u32>(list, load<u32>(b, NEXT));
  return b;
}

export function parkedRelease(block: usize): void {
  parked--;
  blockFree(block);
}

/** Moves all of `from` to the end of `to`. */
export function parkedMove(from: usize, to: usize): void {
  const first = load<u32>(from);
  let end = to;
  while (load<u32>(end)) end = <usize>load<u32>(end);
  store<u32>(end, first);
  store<u32>(from, 0);
}
