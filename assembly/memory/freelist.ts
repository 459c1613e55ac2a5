/**
 * Free lists whose table is zero at first, so that setting up a table touches none of it: a link of 0 means "the one behind me". References
 * are index + 1, 0 = none.
 */

/** Nothing follows. */
const END: u32 = 0xffffffff;

/** What follows reference `ref` of a table of n, by its link. */
// @ts-ignore: decorator
@inline export function freeNext(link: u32, ref: u32, n: u32): u32 { return link ? (link == END ? 0 : link) : (ref < n ? ref + 1 : 0); }

/** The link of an entry that `next` (0 = nothing) follows. */
// @ts-ignore: decorator
@inline export function freeLink(next: u32): u32 { return next ? next : END; }
