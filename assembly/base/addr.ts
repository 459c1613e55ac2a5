/**
 * Addresses are 16 bytes in network order everywhere inside the core; IPv4 stands as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2).
 * A control block embeds them 8-aligned, so copying and comparing are two 64-bit operations.
 *
 * Tiny knows IPv4 only: there an address is its last four bytes, 4-aligned. What comes from the host has 16 bytes in every build
 * (addrFromHost).
 */
import { swap32 } from "./bytes";

/** Bytes of an address, and where the IPv4 address stands in it. */
export const ADDR_BYTES: i32 = TINY ? 4 : 16;
export const ADDR_ALIGN: i32 = TINY ? 4 : 8;
export const ADDR_V4: usize = TINY ? 0 : 12;
/**
 * Records declare their one or two addresses first, 16 bytes each. Tiny uses the last four or eight of these bytes and gives the others to the
 * record before: a record's pointer lies that much before its memory.
 */
export const ADDR_SKIPPED: usize = TINY ? 12 : 0;
export const ADDRS_SKIPPED: usize = TINY ? 24 : 0;
/** Where the second of two addresses stands in a record that begins with them. */
export const ADDR_SECOND: usize = ADDRS_SKIPPED + <usize>ADDR_BYTES;

/** 00 00 ff ff as a little-endian word: bytes 8..11 of a mapped address. */
const MAPPED: u32 = 0xffff0000;

// @ts-ignore: decorator
@inline export function addrCopy(dst: usize, src: usize): void {
  if (TINY) { store<u32>(dst, load<u32>(src)); return; }
  store<u64>(dst, load<u64>(src));
  store<u64>(dst, load<u64>(src, 8), 8);
}
// @ts-ignore: decorator
@inline export function addrEqual(a: usize, b: usize): bool {
  if (TINY) return load<u32>(a) == load<u32>(b);
  return load<u64>(a) == load<u64>(b) && load<u64>(a, 8) == load<u64>(b, 8);
}
// @ts-ignore: decorator
@inline export function addrIsV4(a: usize): bool { return TINY || addrIsMapped(a); }
/** Of 16 bytes: ::ffff:a.b.c.d. */
// @ts-ignore: decorator
@inline export function addrIsMapped(a: usize): bool { return load<u64>(a) == 0 && load<u32>(a, 8) == MAPPED; }

/** The address in the 16 readable bytes at p, which the host has passed; 0 if this build cannot have it: tiny takes mapped ones and ::. */
// @ts-ignore: decorator
@inline export function addrFromHost(p: usize): usize {
  return !TINY ? p : addrIsMapped(p) || !(load<u64>(p) | load<u64>(p, 8)) ? p + 12 : 0;
}

/** The IPv4 address as a host-order number, e.g. 0x7f000001. Meaningful only for a mapped address. */
// @ts-ignore: decorator
@inline export function addrV4(a: usize): u32 { return swap32(load<u32>(a, ADDR_V4)); }

// @ts-ignore: decorator
@inline export function addrSetV4(a: usize, v4: u32): void {
  if (!TINY) {
    store<u64>(a, 0);
    store<u32>(a, MAPPED, 8);
  }
  store<u32>(a, swap32(v4), ADDR_V4);
}
// @ts-ignore: decorator
@inline export function addrClear(a: usize): void {
  if (TINY) { store<u32>(a, 0); return; }
  store<u64>(a, 0);
  store<u64>(a, 0, 8);
}

/** :: or 0.0.0.0: the wildcard of bind and the unset address of a control block. */
// @ts-ignore: decorator
@inline export function addrIsAny(a: usize): bool {
  if (TINY) return !load<u32>(a);
  return load<u64>(a) == 0 && (load<u64>(a, 8) == 0 || (load<u32>(a, 8) == MAPPED && load<u32>(a, 12) == 0));
}
// @ts-ignore: decorator
@inline export function addrIsLoopback(a: usize): bool {
  return addrIsV4(a) ? load<u8>(a, ADDR_V4) == 127 : load<u64>(a) == 0 && load<u64>(a, 8) == 0x0100000000000000;
}
/** 224/4 or ff00::/8. */
// @ts-ignore: decorator
@inline export function addrIsMulticast(a: usize): bool {
  return addrIsV4(a) ? (load<u8>(a, ADDR_V4) & 0xf0) == 0xe0 : load<u8>(a) == 0xff;
}

/** True if the first `bits` (0..128; tiny: 96..128) of two addresses agree. */
export function addrMatches(a: usize, b: usize, bits: u32): bool {
  if (TINY) return bits == 96 || !((addrV4(a) ^ addrV4(b)) >> (128 - bits));
  let i: usize = 0;
  while (bits >= 8) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
    i++;
    bits -= 8;
  }
  return bits == 0 || ((<u32>load<u8>(a + i) ^ <u32>load<u8>(b + i)) >> (8 - bits)) == 0;
}
