/* How the functions of lastack.h call the core: arguments into its host area, results out of it. */
#ifndef LASTACK_CALLS_H
#define LASTACK_CALLS_H
#include <string.h>
#include "stack.h"

#ifdef LASTACK_ONE
#define CALL(name, ...) w2c_core_##name(__VA_ARGS__)
#define CALL0(name, self) w2c_core_##name()
#else
#define CALL(name, ...) w2c_core_##name(&self->core, __VA_ARGS__)
#define CALL0(name, self) w2c_core_##name(&(self)->core)
#endif

/* wasm_rt_trap has no argument for the stack: the one that was entered last. */
extern lastack *lastack_entered;

/* Places in the host area, whose 256 bytes the core gives away. */
enum { AT_ERROR = 0, AT_LENGTH = 4, AT_COUNT = 8, AT_FLAGS = 12, AT_ADDRESS = 16, AT_MAC = 32, AT_BUFFER = 32, AT_GATEWAY = 48, AT_TIME = 48,
       AT_VALUE = 64, VALUE_MOST = 64, AT_SETS = 64, AT_REPORT = 128, AREA_BYTES = 256 };

static inline uint32_t put(lastack *self, uint32_t at, const void *bytes, size_t n) {
  memcpy(stack_memory(self, self->area + at, (uint32_t)n), bytes, n);
  return self->area + at;
}
static inline uint32_t get(lastack *self, uint32_t address) {
  uint32_t v;
  memcpy(&v, stack_memory(self, address, 4), 4);
  return v;
}
/* The lpErrno argument. */
static inline uint32_t errors(lastack *self) {
  lastack_entered = self;
  return self->area + AT_ERROR;
}
static inline int result(lastack *self, int32_t value, int *error) {
  if (value < 0 && error) *error = (int)get(self, self->area + AT_ERROR);
  return value;
}
/* An IPv4-mapped address as the core keeps them. */
static inline uint32_t put_address(lastack *self, uint32_t at, const uint8_t address[4]) {
  uint8_t a[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  memcpy(a + 12, address, 4);
  return put(self, at, a, sizeof a);
}
static inline uint32_t put_name(lastack *self, const uint8_t address[4], uint16_t port) {
  uint8_t name[LASTACK_SIZEOF_SOCKADDR_IN] = {LASTACK_AF_INET, 0};
  name[2] = (uint8_t)(port >> 8);
  name[3] = (uint8_t)port;
  memcpy(name + 4, address, 4);
  return put(self, AT_ADDRESS, name, sizeof name);
}
#endif
