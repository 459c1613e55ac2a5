/* What core.h, as wasm2c writes it, needs to know of the runtime. The operations themselves are in lastack_w2c.h. */
#ifndef LASTACK_WASM_RT_H
#define LASTACK_WASM_RT_H
#include <stdint.h>

/* Reasons of wasm_rt_trap. */
typedef enum {
  WASM_RT_TRAP_OOB = 1,         /* a memory access outside linear memory */
  WASM_RT_TRAP_INT_OVERFLOW,    /* INT32_MIN / -1 */
  WASM_RT_TRAP_DIV_BY_ZERO,
  WASM_RT_TRAP_UNREACHABLE,     /* the core asserted something that does not hold */
  WASM_RT_TRAP_UNALIGNED        /* LASTACK_STRICT_ALIGNMENT: an access that ARMv5 could not make */
} wasm_rt_trap_t;

/*
 * Linear memory. LASTACK_MEMORY_BYTES of it count; LASTACK_MEMORY_GUARD more are there, so that one comparison of an address
 * serves for every field of a record behind it: no access ever leaves the array.
 */
#ifndef LASTACK_MEMORY_BYTES
#define LASTACK_MEMORY_BYTES 65536u
#endif
#define LASTACK_MEMORY_GUARD 512u
typedef struct {
  uint64_t data[(LASTACK_MEMORY_BYTES + LASTACK_MEMORY_GUARD) / 8];
} wasm_rt_memory_t;
#ifdef LASTACK_ONE
/*
 * Linear memory of the only stack. With LASTACK_MEMORY_AT it stands where the linker script must put .bss.lastack_memory: an
 * address that is a constant makes every access shorter.
 */
extern wasm_rt_memory_t core_memory;
#endif

/* Never returns to the core. */
__attribute__((noreturn, cold)) void wasm_rt_trap_oob(void);
__attribute__((noreturn, cold)) void wasm_rt_trap(wasm_rt_trap_t reason);
#endif
