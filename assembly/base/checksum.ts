/**
 * The Internet checksum (RFC 1071), computed in memory byte order: a sum of little-endian 16-bit words gives the
 * same bits byte-swapped, so nothing is swapped per word and the result is stored with a plain 16-bit store.
 * Partial sums are kept folded to 16 bits plus carries; `sumFinish` folds and complements.
 */
import { ADDR_V4 } from "./addr";

/** Folds carries until the sum fits 16 bits. */
// @ts-ignore: decorator
@inline export function sumFold(acc: u32): u32 {
  acc = (acc & 0xffff) + (acc >> 16);
  return (acc & 0xffff) + (acc >> 16);
}

/** Sum of five words at the 4-aligned p, to be folded by sumFoldWords: a header without options. */
// @ts-ignore: decorator
@inline export function sumFive(p: usize): u64 {
  return <u64>load<u32>(p) + <u64>load<u32>(p, 4) + <u64>load<u32>(p, 8) + <u64>load<u32>(p, 12) + <u64>load<u32>(p, 16);
}

/** The same as sumFold for a sum of 32-bit words as they lie in memory, at most 2^31 of them. */
// @ts-ignore: decorator
@inline export function sumFoldWords(acc: u64): u32 {
  acc = (acc & 0xffffffff) + (acc >> 32);
  return sumFold((<u32>acc & 0xffff) + (<u32>(acc >> 16) & 0xffff) + <u32>(acc >> 32));
}

/** The part of a sum that starts at an odd offset contributes with its bytes exchanged (RFC 1071 §2). */
// @ts-ignore: decorator
@inline export function sumSwap(sum: u32): u32 { return ((sum & 0xff) << 8) | ((sum >> 8) & 0xff); }

/** Complement of the folded sum, to be stored with `store<u16>`; also 0 exactly when a received sum is right. */
// @ts-ignore: decorator
@inline export function sumFinish(acc: u32): u32 { return ~sumFold(acc) & 0xffff; }

/** Sum of a 16-bit number given in host order, as it will stand on the wire. */
// @ts-ignore: decorator
@inline export function sumWord(v: u32): u32 { return ((v & 0xff) << 8) | ((v >> 8) & 0xff); }

/** The last bytes, fewer than a round takes. */
// @ts-ignore: decorator
@inline function tail(p: usize, len: u32, acc: u64): u32 {
  while (len >= 4) { acc += <u64>load<u32>(p); p += 4; len -= 4; }
  if (len & 2) { acc += <u64>load<u16>(p); p += 2; }
  if (len & 1) acc += <u64>load<u8>(p);
  return sumFoldWords(acc);
}

/** Folded 16-bit sum of `len` bytes at `p`; any alignment, any length. */
export function sumBytes(p: usize, len: u32): u32 {
  if (TINY) return sumBytesTiny(p, len);
  if (ASC_FEATURE_SIMD && len >= 64) return sumBytesSimd(p, len);
  if (len < 32) return tail(p, len, 0);
  let a: u64 = 0, b: u64 = 0, c: u64 = 0, d: u64 = 0;
  while (len >= 32) {
    a += <u64>load<u32>(p) + <u64>load<u32>(p, 4);
    b += <u64>load<u32>(p, 8) + <u64>load<u32>(p, 12);
    c += <u64>load<u32>(p, 16) + <u64>load<u32>(p, 20);
    d += <u64>load<u32>(p, 24) + <u64>load<u32>(p, 28);
    p += 32;
    len -= 32;
  }
  return tail(p, len, a + b + c + d);
}

/** Aligned 16-bit loads when the start is even, bytes otherwise: Cortex-M class devices trap on misalignment. */
function sumBytesTiny(p: usize, len: u32): u32 {
  let acc: u32 = 0;
  const odd = <u32>(p & 1);
  if (odd && len) { acc = <u32>load<u8>(p) << 8; p++; len--; }
  while (len >= 2) {
    acc += <u32>load<u16>(p);
    // A carry out of 32 bits needs 65,537 words; a frame has fewer.
    p += 2;
    len -= 2;
  }
  if (len) acc += <u32>load<u8>(p);
  acc = sumFold(acc);
  return odd ? sumSwap(acc) : acc;
}

function sumBytesSimd(p: usize, len: u32): u32 {
  let a = i32x4.splat(0), b = i32x4.splat(0), c = i32x4.splat(0), d = i32x4.splat(0);
  let total: u64 = 0;
  while (len >= 64) {
    // 16 words widened into 32-bit lanes overflow only after 32,768 rounds; 64 KiB frames need 1,024.
    a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v128.load(p)));
    b = i32x4.add(b, i32x4.extadd_pairwise_i16x8_u(v128.load(p, 16)));
    c = i32x4.add(c, i32x4.extadd_pairwise_i16x8_u(v128.load(p, 32)));
    d = i32x4.add(d, i32x4.extadd_pairwise_i16x8_u(v128.load(p, 48)));
    p += 64;
    len -= 64;
  }
  while (len >= 16) {
    a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v128.load(p)));
    p += 16;
    len -= 16;
  }
  a = i32x4.add(i32x4.add(a, b), i32x4.add(c, d));
  total = <u64><u32>i32x4.extract_lane(a, 0) + <u64><u32>i32x4.extract_lane(a, 1) +
    <u64><u32>i32x4.extract_lane(a, 2) + <u64><u32>i32x4.extract_lane(a, 3);
  return tail(p, len, total);
}

/** The two 16-bit words of 32 bits as they lie in memory. */
// @ts-ignore: decorator
@inline export function sumPair(v: u32): u32 { return (v & 0xffff) + (v >> 16); }

/** Sum of the pseudo header of two addresses; IPv4-mapped ones contribute their four bytes (RFC 9293 §3.1). */
export function sumPseudo(src: usize, dst: usize, v4: bool, protocol: u32, length: u32): u32 {
  // Addresses are 4-aligned.
  const acc = v4 ? sumPair(load<u32>(src, ADDR_V4)) + sumPair(load<u32>(dst, ADDR_V4)) : sumBytes(src, 16) + sumBytes(dst, 16);
  return sumFold(acc + sumWord(protocol) + sumWord(length & 0xffff) + sumWord(length >> 16));
}
