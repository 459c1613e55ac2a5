/* Datagrams, names and select of lastack.h. What is sent and received passes through linear memory: see lastack_datagram_most. */
#include "calls.h"

/* Where bytes pass: behind what the core uses, if there is more than the host area has. */
static uint32_t passage(lastack *self, uint32_t *size) {
  uint32_t behind = (get(self, CALL0(stats, self) + 4 * LASTACK_STAT_MEMORY_BYTES) + 7) & ~7u, room = AREA_BYTES - AT_SETS;
  if (behind < LASTACK_MEMORY_BYTES && LASTACK_MEMORY_BYTES - behind > room) {
    *size = LASTACK_MEMORY_BYTES - behind;
    return behind;
  }
  *size = room;
  return self->area + AT_SETS;
}
size_t lastack_datagram_most(lastack *self) {
  uint32_t size;
  lastack_entered = self;
  passage(self, &size);
  return size;
}
/* A WSABUF. */
static uint32_t buffer(lastack *self, uint32_t at, uint32_t length) {
  const uint32_t words[2] = {length, at};
  return put(self, AT_BUFFER, words, sizeof words);
}
/* The sockaddr_in that the core has written. */
static void take_name(lastack *self, uint8_t address[4], uint16_t *port) {
  const uint8_t *name = stack_memory(self, self->area + AT_ADDRESS, LASTACK_SIZEOF_SOCKADDR_IN);
  if (address) memcpy(address, name + 4, 4);
  if (port) *port = (uint16_t)(name[2] << 8 | name[3]);
}

int lastack_sendto(lastack *self, lastack_handle s, const void *data, size_t length, const uint8_t address[4], uint16_t port, int *error) {
  uint32_t e = errors(self), size, at = passage(self, &size);
  if (length > size) {
    if (error) *error = LASTACK_WSAEMSGSIZE;
    return -1;
  }
  uint32_t buffers = buffer(self, at, (uint32_t)length), to = put_name(self, address, port);
  memcpy(stack_memory(self, at, (uint32_t)length), data, length);
  return result(self, (int32_t)CALL(WSPSendTo, s, buffers, 1, self->area + AT_COUNT, 0, to, LASTACK_SIZEOF_SOCKADDR_IN, 0, 0, 0, e), error) < 0 ? -1 : (int)length;
}
int lastack_recvfrom(lastack *self, lastack_handle s, void *data, size_t capacity, uint8_t address[4], uint16_t *port, int *error) {
  uint32_t e = errors(self), size, at = passage(self, &size), none = 0, name = LASTACK_SIZEOF_SOCKADDR_IN;
  int code = 0;
  if (capacity < size) size = (uint32_t)capacity;
  put(self, AT_FLAGS, &none, 4);
  put(self, AT_LENGTH, &name, 4);
  int r = result(self, (int32_t)CALL(WSPRecvFrom, s, buffer(self, at, size), 1, self->area + AT_COUNT, self->area + AT_FLAGS, self->area + AT_ADDRESS,
                                     self->area + AT_LENGTH, 0, 0, 0, e), &code);
  if (error && r < 0) *error = code;
  if (r < 0 && code != LASTACK_WSAEMSGSIZE) return -1;
  /* A datagram that was cut filled the buffer. */
  uint32_t n = r < 0 ? size : get(self, self->area + AT_COUNT);
  memcpy(data, stack_memory(self, at, n), n);
  take_name(self, address, port);
  return r < 0 ? -1 : (int)n;
}

int lastack_sockname(lastack *self, lastack_handle s, uint8_t address[4], uint16_t *port, int *error) {
  uint32_t e = errors(self), size = LASTACK_SIZEOF_SOCKADDR_IN;
  put(self, AT_LENGTH, &size, 4);
  int r = result(self, (int32_t)CALL(WSPGetSockName, s, self->area + AT_ADDRESS, self->area + AT_LENGTH, e), error);
  if (r == 0) take_name(self, address, port);
  return r;
}
int lastack_peername(lastack *self, lastack_handle s, uint8_t address[4], uint16_t *port, int *error) {
  uint32_t e = errors(self), size = LASTACK_SIZEOF_SOCKADDR_IN;
  put(self, AT_LENGTH, &size, 4);
  int r = result(self, (int32_t)CALL(WSPGetPeerName, s, self->area + AT_ADDRESS, self->area + AT_LENGTH, e), error);
  if (r == 0) take_name(self, address, port);
  return r;
}

/* A set stands in the host area as in lastack_set: the count, then the handles. */
static uint32_t put_set(lastack *self, unsigned i, const lastack_set *set) {
  return set ? put(self, AT_SETS + i * (uint32_t)sizeof *set, set, sizeof *set) : 0;
}
static void take_set(lastack *self, unsigned i, lastack_set *set) {
  if (set) memcpy(set, stack_memory(self, self->area + AT_SETS + i * (uint32_t)sizeof *set, sizeof *set), sizeof *set);
}
int lastack_select(lastack *self, lastack_set *readable, lastack_set *writable, lastack_set *exceptional, int wait_ms, int *error) {
  uint32_t e = errors(self);
  lastack_set *sets[3] = {readable, writable, exceptional};
  const int32_t time[2] = {wait_ms / 1000, wait_ms % 1000 * 1000};
  uint32_t at[3];
  for (unsigned i = 0; i < 3; i++) {
    if (sets[i] && sets[i]->count > LASTACK_SET_MOST) {
      if (error) *error = LASTACK_WSAEINVAL;
      return -1;
    }
    at[i] = put_set(self, i, sets[i]);
  }
  int r = result(self, (int32_t)CALL(WSPSelect, 0, at[0], at[1], at[2], wait_ms < 0 ? 0 : put(self, AT_TIME, time, sizeof time), e), error);
  if (r >= 0)
    for (unsigned i = 0; i < 3; i++) take_set(self, i, sets[i]);
  return r;
}
