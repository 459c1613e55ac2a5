/**
 * The runtime of the gate: every way to a managed object is a compile-time error, so that a core which compiles with it
 * provably allocates nothing. asc names this file in the message (AS102); the offending line is what changed last.
 */

// @ts-ignore: decorator
@global @unsafe function __alloc(size: usize): usize { ERROR("heap allocation is forbidden in this core"); return 0; }
// @ts-ignore: decorator
@global @unsafe function __realloc(ptr: usize, size: usize): usize { ERROR("heap allocation is forbidden in this core"); return 0; }
// @ts-ignore: decorator
@global @unsafe function __free(ptr: usize): void { ERROR("heap allocation is forbidden in this core"); }
// @ts-ignore: decorator
@global @unsafe function __new(size: usize, id: u32): usize { ERROR("managed allocation is forbidden in this core"); return 0; }
// @ts-ignore: decorator
@global @unsafe function __renew(ptr: usize, size: usize): usize { ERROR("managed allocation is forbidden in this core"); return 0; }
// The rest is reached only from managed code, which cannot exist; asc wants the names.
// @ts-ignore: decorator
@global @unsafe function __link(parent: usize, child: usize, expectMultiple: bool): void {}
// @ts-ignore: decorator
@global @unsafe function __pin(ptr: usize): usize { return ptr; }
// @ts-ignore: decorator
@global @unsafe function __unpin(ptr: usize): void {}
// @ts-ignore: decorator
@global @unsafe function __visit(ptr: usize, cookie: u32): void {}
// @ts-ignore: decorator
@global @unsafe function __collect(): void {}
