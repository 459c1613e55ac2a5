/** Comparison of 32-bit serial numbers (RFC 9293 §3.4): meaningful while the two are less than 2^31 apart. */

// @ts-ignore: decorator
@inline export function seqLt(a: u32, b: u32): bool { return <i32>(a - b) < 0; }
// @ts-ignore: decorator
@inline export function seqLeq(a: u32, b: u32): bool { return <i32>(a - b) <= 0; }
// @ts-ignore: decorator
@inline export function seqGt(a: u32, b: u32): bool { return <i32>(a - b) > 0; }
// @ts-ignore: decorator
@inline export function seqGeq(a: u32, b: u32): bool { return <i32>(a - b) >= 0; }
// @ts-ignore: decorator
@inline export function seqMax(a: u32, b: u32): u32 { return seqLt(a, b) ? b : a; }
// @ts-ignore: decorator
@inline export function seqMin(a: u32, b: u32): u32 { return seqLt(a, b) ? a : b; }
