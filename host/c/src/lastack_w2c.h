/*
 * The operations of WebAssembly that the translated core uses. Loads, stores, fills and copies are checked against linear
 * memory; a failed check traps. Little-endian processors only.
 */
#ifndef LASTACK_W2C_H
#define LASTACK_W2C_H
#include <string.h>

#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define TRAP(x) (wasm_rt_trap(WASM_RT_TRAP_##x), 0)
#define UNREACHABLE TRAP(UNREACHABLE)

#ifdef LASTACK_MEMORY_AT
#define CORE_MEMORY(instance) ((u8 *)LASTACK_MEMORY_AT)
#elif defined LASTACK_ONE
#define CORE_MEMORY(instance) ((u8 *)core_memory.data)
#else
#define CORE_MEMORY(instance) ((u8 *)(instance)->w2c_memory.data)
#endif
/* A start is a restart: the state of the run before goes. */
#define CORE_CLEAR(instance) memset((instance), 0, sizeof *(instance))
#define MEMORY_CLEAR(memory) memset((memory), 0, LASTACK_MEMORY_BYTES)
#define DATA_SEGMENT(memory, at, from, n) \
  do { if ((at) + (n) > LASTACK_MEMORY_BYTES) wasm_rt_trap_oob(); memcpy((memory) + (at), (from), (n)); } while (0)

static inline __attribute__((always_inline)) void check_access(u32 a, u32 offset, u32 size) {
  if (offset + size <= LASTACK_MEMORY_GUARD) {
    if (UNLIKELY(a >= LASTACK_MEMORY_BYTES)) wasm_rt_trap_oob();
  } else if (offset > LASTACK_MEMORY_BYTES - size || UNLIKELY(a > LASTACK_MEMORY_BYTES - size - offset)) wasm_rt_trap_oob();
#ifdef LASTACK_STRICT_ALIGNMENT
  if ((a + offset) & (size > 4 ? 3 : size - 1)) wasm_rt_trap(WASM_RT_TRAP_UNALIGNED);
#endif
}

#define DEFINE_LOAD(name, stored, extended, result, alignment)                                   \
  static inline __attribute__((always_inline)) result name(u8 *memory, u32 a, u32 offset) {      \
    stored value;                                                                                \
    check_access(a, offset, sizeof value);                                                       \
    memcpy(&value, __builtin_assume_aligned(memory + a + offset, alignment), sizeof value);      \
    return (result)(extended)value;                                                              \
  }
#define DEFINE_STORE(name, stored, given, alignment)                                                 \
  static inline __attribute__((always_inline)) void name(u8 *memory, u32 a, u32 offset, given v) {   \
    stored value = (stored)v;                                                                        \
    check_access(a, offset, sizeof value);                                                           \
    memcpy(__builtin_assume_aligned(memory + a + offset, alignment), &value, sizeof value);          \
  }

/* ARMv5 has no unaligned access: there the core's promise to align is relied upon, and LASTACK_STRICT_ALIGNMENT proves it. */
#ifdef LASTACK_ALIGNED
#define ALIGNED(n) n
#else
#define ALIGNED(n) 1
#endif
DEFINE_LOAD(i32_load, u32, u32, u32, ALIGNED(4))
DEFINE_LOAD(i64_load, u64, u64, u64, ALIGNED(4))
DEFINE_LOAD(i64_load32_u, u32, u64, u64, ALIGNED(4))
DEFINE_LOAD(i64_load16_u, u16, u64, u64, ALIGNED(2))
DEFINE_LOAD(i64_load8_u, u8, u64, u64, 1)
DEFINE_LOAD(i32_load8_s, s8, s32, u32, 1)
DEFINE_LOAD(i32_load8_u, u8, u32, u32, 1)
DEFINE_LOAD(i32_load16_s, s16, s32, u32, ALIGNED(2))
DEFINE_LOAD(i32_load16_u, u16, u32, u32, ALIGNED(2))
DEFINE_STORE(i32_store, u32, u32, ALIGNED(4))
DEFINE_STORE(i32_store8, u8, u32, 1)
DEFINE_STORE(i32_store16, u16, u32, ALIGNED(2))
DEFINE_STORE(i64_store, u64, u64, ALIGNED(4))
DEFINE_STORE(i64_store32, u32, u64, ALIGNED(4))
DEFINE_STORE(i64_store16, u16, u64, ALIGNED(2))
DEFINE_STORE(i64_store8, u8, u64, 1)

static inline void check_range(u32 a, u32 n) {
  if (UNLIKELY(a > LASTACK_MEMORY_BYTES || n > LASTACK_MEMORY_BYTES - a)) wasm_rt_trap_oob();
}
static inline void memory_fill(u8 *memory, u32 to, u32 value, u32 n) {
  check_range(to, n);
  memset(memory + to, (int)value, n);
}
static inline void memory_copy(u8 *memory, u32 to, u32 from, u32 n) {
  check_range(to, n);
  check_range(from, n);
  memmove(memory + to, memory + from, n);
}

#define I32_CLZ(x) ((x) ? (u32)__builtin_clz(x) : 32u)
#define I32_CTZ(x) ((x) ? (u32)__builtin_ctz(x) : 32u)
#define I32_POPCNT(x) ((u32)__builtin_popcount(x))
#define I32_ROTL(x, y) (((x) << ((y) & 31)) | ((x) >> ((32 - (y)) & 31)))
#define I32_ROTR(x, y) (((x) >> ((y) & 31)) | ((x) << ((32 - (y)) & 31)))
#define DIV_U(x, y) (UNLIKELY((y) == 0) ? (u32)TRAP(DIV_BY_ZERO) : (x) / (y))
#define REM_U(x, y) (UNLIKELY((y) == 0) ? (u32)TRAP(DIV_BY_ZERO) : (x) % (y))
#define SIGNED_OVERFLOW(x, y) ((x) == 0x80000000u && (y) == 0xffffffffu)
#define I32_DIV_S(x, y) \
  (UNLIKELY((y) == 0) ? (u32)TRAP(DIV_BY_ZERO) : UNLIKELY(SIGNED_OVERFLOW(x, y)) ? (u32)TRAP(INT_OVERFLOW) : (u32)((s32)(x) / (s32)(y)))
#define I32_REM_S(x, y) \
  (UNLIKELY((y) == 0) ? (u32)TRAP(DIV_BY_ZERO) : SIGNED_OVERFLOW(x, y) ? 0u : (u32)((s32)(x) % (s32)(y)))
#endif
