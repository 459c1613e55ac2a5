/**
 * IPv4 header (RFC 791 §3.1).
 *
 *   0 version 4 + header length 4 | 1 type of service | 2 total length | 4 identification | 6 flags 3 + fragment offset 13
 *   8 time to live | 9 protocol | 10 header checksum | 12 source | 16 destination | 20 options ...
 */
import { ADDR_V4 } from "../base/addr";
import { rd8, rd16, rd32, swap32 } from "../base/bytes";
import { sumBytes, sumFinish, sumPair } from "../base/checksum";

export const IPV4_VERSION_IHL: usize = 0;
export const IPV4_TOS: usize = 1;
export const IPV4_TOTAL: usize = 2;
export const IPV4_ID: usize = 4;
export const IPV4_FRAGMENT: usize = 6;
export const IPV4_TTL: usize = 8;
export const IPV4_PROTOCOL: usize = 9;
export const IPV4_CHECKSUM: usize = 10;
export const IPV4_SOURCE: usize = 12;
export const IPV4_DESTINATION: usize = 16;
export const IPV4_HEADER: u32 = 20;

export const IPV4_DONT_FRAGMENT: u32 = 0x4000;
export const IPV4_MORE_FRAGMENTS: u32 = 0x2000;
export const IPV4_OFFSET_MASK: u32 = 0x1fff;

/** Largest packet, header included. */
export const IPV4_MAXIMUM: u32 = 65535;

// @ts-ignore: decorator
@inline export function ipv4HeaderLength(p: usize): u32 { return (rd8(p + IPV4_VERSION_IHL) & 0x0f) << 2; }
// @ts-ignore: decorator
@inline export function ipv4Total(p: usize): u32 { return rd16(p + IPV4_TOTAL); }
/** Flags and offset as they stand in the header. */
// @ts-ignore: decorator
@inline export function ipv4Fragment(p: usize): u32 { return rd16(p + IPV4_FRAGMENT); }
// @ts-ignore: decorator
@inline export function ipv4Source(p: usize): u32 { return rd32(p + IPV4_SOURCE); }
// @ts-ignore: decorator
@inline export function ipv4Destination(p: usize): u32 { return rd32(p + IPV4_DESTINATION); }

/** True if `len` bytes at p hold a whole IPv4 header whose lengths agree with each other and with `len` (checksum aside). */
export function ipv4Shape(p: usize, len: u32): bool {
  if (len < IPV4_HEADER || rd8(p) >> 4 != 4) return false;
  const header = ipv4HeaderLength(p), total = ipv4Total(p);
  return header >= IPV4_HEADER && header <= total && total <= len;
}

/** Sum of a header without options. */
// @ts-ignore: decorator
@inline function plainSum(p: usize): u32 {
  return sumPair(load<u32>(p)) + sumPair(load<u32>(p, 4)) + sumPair(load<u32>(p, 8)) + sumPair(load<u32>(p, 12)) + sumPair(load<u32>(p, 16));
}

/** ipv4Shape, and the header checksum is right (RFC 1122 §3.2.1.2: MUST be verified). */
export function ipv4Check(p: usize, len: u32): bool {
  if (!ipv4Shape(p, len)) return false;
  const header = ipv4HeaderLength(p);
  return sumFinish(!TINY && header == IPV4_HEADER ? plainSum(p) : sumBytes(p, header)) == 0;
}

/**
 * Writes a header without options at the 4-aligned p. `fragment` is flags and offset as they stand in the header; src and
 * dst are mapped addresses.
 */
export function ipv4Emit(p: usize, tos: u32, total: u32, id: u32, fragment: u32, ttl: u32, protocol: u32, src: usize, dst: usize): void {
  store<u32>(p, swap32(0x45000000 | (tos & 0xff) << 16 | total));
  store<u32>(p, swap32(id << 16 | fragment), 4);
  store<u32>(p, swap32(ttl << 24 | protocol << 16), 8);
  store<u32>(p, load<u32>(src, ADDR_V4), 12);
  store<u32>(p, load<u32>(dst, ADDR_V4), 16);
  store<u16>(p, <u16>sumFinish(TINY ? sumBytes(p, IPV4_HEADER) : plainSum(p)), IPV4_CHECKSUM);
}
