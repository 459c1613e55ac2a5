/**
 * Big-endian access. `rd*` read bytes that came from the wire: in the debug build each one asserts that it stays
 * inside the frame under inspection (`frameBounds`); `wr*` write bytes we are composing.
 * Single bytes are combined, so no access is wider than its alignment (devices trap otherwise).
 */

let frameLow: usize = 0;
let frameHigh: usize = 0;

/** Declares the frame that `rd*` may touch: [ptr, ptr + len). Costs nothing outside the debug build. */
// @ts-ignore: decorator
@inline export function frameBounds(ptr: usize, len: u32): void {
  if (DEBUG) { frameLow = ptr; frameHigh = ptr + len; }
}

/** True if [ptr, ptr + len) lies in the frame; always true outside the debug build. */
// @ts-ignore: decorator
@inline export function insideFrame(ptr: usize, len: u32): bool {
  return !DEBUG || (ptr >= frameLow && ptr + len <= frameHigh);
}

/** The bytes of v in the other order. The compiler's bswap is a call, for which only tiny has time. */
// @ts-ignore: decorator
@inline export function swap32(v: u32): u32 { return TINY ? bswap<u32>(v) : rotl<u32>(v & 0xff00ff00, 8) | rotr<u32>(v & 0x00ff00ff, 8); }

// @ts-ignore: decorator
@inline export function rd8(p: usize): u32 {
  assert(insideFrame(p, 1), "read outside the frame");
  return load<u8>(p);
}
// @ts-ignore: decorator
@inline export function rd16(p: usize): u32 {
  assert(insideFrame(p, 2), "read outside the frame");
  return (<u32>load<u8>(p) << 8) | load<u8>(p, 1);
}
// @ts-ignore: decorator
@inline export function rd32(p: usize): u32 {
  assert(insideFrame(p, 4), "read outside the frame");
  return TINY
    ? (<u32>load<u8>(p) << 24) | (<u32>load<u8>(p, 1) << 16) | (<u32>load<u8>(p, 2) << 8) | load<u8>(p, 3)
    : swap32(load<u32>(p));
}
// @ts-ignore: decorator
@inline export function wr8(p: usize, v: u32): void { store<u8>(p, <u8>v); }
// @ts-ignore: decorator
@inline export function wr16(p: usize, v: u32): void {
  store<u8>(p, <u8>(v >> 8));
  store<u8>(p, <u8>v, 1);
}
// @ts-ignore: decorator
@inline export function wr32(p: usize, v: u32): void {
  if (TINY) { wr16(p, v >> 16); wr16(p + 2, v); } else store<u32>(p, swap32(v));
}
