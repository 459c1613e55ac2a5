/* One stack as the C host keeps it; lastack.h shows only its name. */
#ifndef LASTACK_STACK_H
#define LASTACK_STACK_H
#include "lastack.h"
#include "core.h"
#include "lastack_w2c.h"

/* The file descriptor under which the core knows the device. */
#define DEVICE_FD 3
/* Ethernet header and the largest MTU of the tiny build. */
#define FRAME_MOST 1514

struct lastack {
#ifndef LASTACK_ONE
  w2c_core core;
#endif
  const lastack_ops *ops;
  lastack_idle *idle;
  uint32_t area;                /* the core's host area */
  uint8_t frame[FRAME_MOST];    /* a frame to send, gathered */
};

/* `n` bytes of linear memory at `address`; traps if they are not all in it. */
static inline uint8_t *stack_memory(lastack *self, uint32_t address, uint32_t n) {
  (void)self;
  check_range(address, n);
  return CORE_MEMORY(&self->core) + address;
}
#endif
