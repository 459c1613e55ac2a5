/* Lastack for C (lastack.h): arguments into the core's host area, results out of it. */
#include <string.h>
#include "calls.h"

#ifndef LASTACK_STACKS
#define LASTACK_STACKS 1
#endif

#ifdef LASTACK_ONE
w2c_core core_instance;
#ifdef LASTACK_MEMORY_AT
__attribute__((section(".bss.lastack_memory")))
#endif
wasm_rt_memory_t core_memory;
#endif

static lastack stacks[LASTACK_STACKS];
lastack *lastack_entered;

void wasm_rt_trap(wasm_rt_trap_t reason) {
  lastack_entered->ops->trap(lastack_entered->ops->ctx, (int)reason);
  for (;;) continue;
}
/* Most traps by far could only be this one: a function of its own makes each of them shorter. */
void wasm_rt_trap_oob(void) { wasm_rt_trap(WASM_RT_TRAP_OOB); }

void lastack_restart(lastack *self) {
  lastack_entered = self;
#ifdef LASTACK_ONE
  wasm2c_core_instantiate((struct w2c_wasi__snapshot__preview1 *)self);
#else
  wasm2c_core_instantiate(&self->core, (struct w2c_wasi__snapshot__preview1 *)self);
#endif
  CALL0(0x5Finitialize, self);
}
lastack *lastack_open(unsigned number, const lastack_ops *ops) {
  if (number >= LASTACK_STACKS || !ops) return NULL;
#ifdef LASTACK_MEMORY_AT
  if ((uintptr_t)&core_memory != LASTACK_MEMORY_AT) return NULL;
#endif
  lastack *self = &stacks[number];
  self->ops = ops;
  self->idle = NULL;
  lastack_restart(self);
  if (CALL0(abiVersion, self) != LASTACK_ABI_VERSION || CALL(configure, 0, 0)) return NULL;
  self->area = CALL0(hostArea, self);
  /* A static table behind the memory given would trap when it is first used. */
  if (get(self, CALL0(stats, self) + 4 * LASTACK_STAT_MEMORY_BYTES) > LASTACK_MEMORY_BYTES) return NULL;
  CALL(WSPStartup, 0x0202, 0, 0, 0, 0);
  return self;
}

int lastack_device(lastack *self, const uint8_t mac[6], unsigned mtu) {
  lastack_entered = self;
  return (int)CALL(deviceAdd, DEVICE_FD, 0, mtu, put(self, AT_MAC, mac, 6));
}
int lastack_address(lastack *self, int interface, const uint8_t address[4], unsigned prefix) {
  lastack_entered = self;
  return (int)CALL(addressAdd, (u32)interface, put_address(self, AT_ADDRESS, address), 96 + prefix);
}
int lastack_route(lastack *self, int interface, const uint8_t destination[4], unsigned prefix, const uint8_t gateway[4]) {
  lastack_entered = self;
  uint32_t to = put_address(self, AT_ADDRESS, destination), via = put_address(self, AT_GATEWAY, gateway);
  return (int)CALL(routeAdd, to, 96 + prefix, via, (u32)interface);
}
int lastack_poll(lastack *self) {
  lastack_entered = self;
  return (int)CALL0(poll, self);
}
void lastack_set_idle(lastack *self, lastack_idle *idle) { self->idle = idle; }

lastack_handle lastack_socket(lastack *self, int type, int *error) {
  uint32_t e = errors(self);
  lastack_handle s = CALL(WSPSocket, LASTACK_AF_INET, (u32)type, 0, 0, 0, 0, e);
  if (s == LASTACK_INVALID_SOCKET) result(self, -1, error);
  return s;
}
int lastack_bind(lastack *self, lastack_handle s, const uint8_t address[4], uint16_t port, int *error) {
  uint32_t e = errors(self);
  return result(self, (int32_t)CALL(WSPBind, s, put_name(self, address, port), LASTACK_SIZEOF_SOCKADDR_IN, e), error);
}
int lastack_listen(lastack *self, lastack_handle s, int backlog, int *error) {
  uint32_t e = errors(self);
  return result(self, (int32_t)CALL(WSPListen, s, (u32)backlog, e), error);
}
lastack_handle lastack_accept(lastack *self, lastack_handle s, uint8_t address[4], uint16_t *port, int *error) {
  uint32_t e = errors(self), size = LASTACK_SIZEOF_SOCKADDR_IN;
  put(self, AT_LENGTH, &size, 4);
  lastack_handle a = CALL(WSPAccept, s, self->area + AT_ADDRESS, self->area + AT_LENGTH, 0, 0, e);
  if (a == LASTACK_INVALID_SOCKET) {
    result(self, -1, error);
    return a;
  }
  const uint8_t *name = stack_memory(self, self->area + AT_ADDRESS, LASTACK_SIZEOF_SOCKADDR_IN);
  if (address) memcpy(address, name + 4, 4);
  if (port) *port = (uint16_t)(name[2] << 8 | name[3]);
  return a;
}
int lastack_connect(lastack *self, lastack_handle s, const uint8_t address[4], uint16_t port, int *error) {
  uint32_t e = errors(self);
  return result(self, (int32_t)CALL(WSPConnect, s, put_name(self, address, port), LASTACK_SIZEOF_SOCKADDR_IN, 0, 0, 0, 0, e), error);
}

/* One copy: straight into the send buffer (reserve, commit). */
int lastack_send(lastack *self, lastack_handle s, const void *data, size_t length, int *error) {
  uint32_t e = errors(self), want = length > 0x7fff ? 0x7fff : (uint32_t)length;
  uint32_t at = CALL(reserve, s, want, self->area + AT_LENGTH, e);
  if (!at) return result(self, -1, error);
  uint32_t room = get(self, self->area + AT_LENGTH);
  if (room > want) room = want;
  memcpy(stack_memory(self, at, room), data, room);
  return result(self, (int32_t)CALL(commit, s, room, e), error) < 0 ? -1 : (int)room;
}
int lastack_recv(lastack *self, lastack_handle s, void *data, size_t capacity, int *error) {
  uint32_t e = errors(self), none = 0;
  put(self, AT_ERROR, &none, 4);
  uint32_t at = CALL(peek, s, self->area + AT_LENGTH, e);
  if (!at) return get(self, e) ? result(self, -1, error) : 0;
  uint32_t n = get(self, self->area + AT_LENGTH);
  if (n > capacity) n = (uint32_t)capacity;
  memcpy(data, stack_memory(self, at, n), n);
  return result(self, (int32_t)CALL(consume, s, n, e), error) < 0 ? -1 : (int)n;
}
int lastack_shutdown(lastack *self, lastack_handle s, int how, int *error) {
  uint32_t e = errors(self);
  return result(self, (int32_t)CALL(WSPShutdown, s, (u32)how, e), error);
}
int lastack_close(lastack *self, lastack_handle s, int *error) {
  uint32_t e = errors(self);
  return result(self, (int32_t)CALL(WSPCloseSocket, s, e), error);
}

int lastack_setsockopt(lastack *self, lastack_handle s, int level, int name, const void *value, int length, int *error) {
  uint32_t e = errors(self);
  if (length < 0 || length > VALUE_MOST) {
    if (error) *error = LASTACK_WSAEFAULT;
    return -1;
  }
  return result(self, (int32_t)CALL(WSPSetSockOpt, s, (u32)level, (u32)name, put(self, AT_VALUE, value, (size_t)length), (u32)length, e), error);
}
int lastack_getsockopt(lastack *self, lastack_handle s, int level, int name, void *value, int *length, int *error) {
  uint32_t e = errors(self);
  if (*length < 0 || *length > VALUE_MOST) {
    if (error) *error = LASTACK_WSAEFAULT;
    return -1;
  }
  put(self, AT_LENGTH, length, 4);
  int r = result(self, (int32_t)CALL(WSPGetSockOpt, s, (u32)level, (u32)name, self->area + AT_VALUE, self->area + AT_LENGTH, e), error);
  if (r == 0) {
    *length = (int)get(self, self->area + AT_LENGTH);
    memcpy(value, stack_memory(self, self->area + AT_VALUE, (uint32_t)*length), (size_t)*length);
  }
  return r;
}
int lastack_nonblocking(lastack *self, lastack_handle s, int on, int *error) {
  uint32_t e = errors(self), value = on ? 1 : 0, at = put(self, AT_VALUE, &value, 4);
  return result(self, (int32_t)CALL(WSPIoctl, s, (u32)LASTACK_FIONBIO, at, 4, 0, 0, self->area + AT_LENGTH, 0, 0, 0, e), error);
}
int lastack_unread(lastack *self, lastack_handle s, uint32_t *bytes, int *error) {
  uint32_t e = errors(self), out = self->area + AT_VALUE;
  int r = result(self, (int32_t)CALL(WSPIoctl, s, (u32)LASTACK_FIONREAD, 0, 0, out, 4, self->area + AT_LENGTH, 0, 0, 0, e), error);
  if (r == 0) *bytes = get(self, out);
  return r;
}
int lastack_state(lastack *self, lastack_handle s) {
  lastack_entered = self;
  return (int)CALL(socketState, s);
}

int lastack_report_pull(lastack *self, lastack_report *out) {
  lastack_entered = self;
  uint32_t at = self->area + AT_REPORT;
  if ((int32_t)CALL(report, at) <= 0) return 0;
  out->handle = get(self, at + LASTACK_REPORT_HANDLE);
  out->outcome = get(self, at + LASTACK_REPORT_OUTCOME);
  out->cause = get(self, at + LASTACK_REPORT_CAUSE);
  out->error = (int32_t)get(self, at + LASTACK_REPORT_ERROR);
  out->sent = get(self, at + LASTACK_REPORT_BYTES_SENT);
  out->acknowledged = get(self, at + LASTACK_REPORT_BYTES_ACKED);
  out->unacknowledged = get(self, at + LASTACK_REPORT_BYTES_UNACKED);
  out->discarded = get(self, at + LASTACK_REPORT_BYTES_DISCARDED);
  out->peer_fin = get(self, at + LASTACK_REPORT_PEER_FIN);
  out->duration_ms = get(self, at + LASTACK_REPORT_DURATION_MS);
  return 1;
}
uint32_t lastack_stat(lastack *self, unsigned counter) {
  lastack_entered = self;
  return counter < LASTACK_STAT_COUNT ? get(self, CALL0(stats, self) + 4 * counter) : 0;
}
