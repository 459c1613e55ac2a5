/**
 * Links between the entries of a table, index + 1, 0 = none: words, in tiny, whose tables have fewer than 128 entries, bytes. All ones,
 * which memory/freelist knows, stay all ones.
 */

/** The link at address `at`. */
// @ts-ignore: decorator
@inline export function linkLoad(at: usize): u32 { return TINY ? <u32>load<i8>(at) : load<u32>(at); }
// @ts-ignore: decorator
@inline export function linkStore(at: usize, v: u32): void { if (TINY) store<u8>(at, v); else store<u32>(at, v); }

/** Tiny: byte `i` of the word at `at`, one of up to four that share it. */
// @ts-ignore: decorator
@inline export function byteAt(at: usize, i: usize): u32 { return <u32>load<i8>(at + i); }
// @ts-ignore: decorator
@inline export function setByteAt(at: usize, i: usize, v: u32): void { store<u8>(at + i, v); }
