/* The four functions of wasi_snapshot_preview1 that lastack.tiny.wasm imports, over the embedder's ops. */
#include "stack.h"

struct w2c_wasi__snapshot__preview1;
#define STACK(wasi) ((lastack *)(wasi))
#define WASI(name) w2c_wasi__snapshot__preview1_##name

static uint32_t word(lastack *self, uint32_t at) {
  uint32_t v;
  memcpy(&v, stack_memory(self, at, 4), 4);
  return v;
}
static void set_word(lastack *self, uint32_t at, uint32_t v) { memcpy(stack_memory(self, at, 4), &v, 4); }

u32 WASI(fd_read)(struct w2c_wasi__snapshot__preview1 *wasi, u32 fd, u32 iovs, u32 count, u32 nread) {
  lastack *self = STACK(wasi);
  if (fd != DEVICE_FD) return LASTACK_WASI_EBADF;
  if (count != 1) return LASTACK_WASI_EINVAL;
  uint32_t room = word(self, iovs + 4);
  int n = self->ops->frame_recv(self->ops->ctx, stack_memory(self, word(self, iovs), room), room);
  if (n == 0) return LASTACK_WASI_EAGAIN;
  if (n < 0) return LASTACK_WASI_EIO;
  set_word(self, nread, (uint32_t)n);
  return LASTACK_WASI_SUCCESS;
}

u32 WASI(fd_write)(struct w2c_wasi__snapshot__preview1 *wasi, u32 fd, u32 iovs, u32 count, u32 nwritten) {
  lastack *self = STACK(wasi);
  if (fd != DEVICE_FD) return LASTACK_WASI_EBADF;
  uint32_t length = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t n = word(self, iovs + 8 * i + 4);
    if (n > FRAME_MOST - length) return LASTACK_WASI_EINVAL;
    memcpy(self->frame + length, stack_memory(self, word(self, iovs + 8 * i), n), n);
    length += n;
  }
  int n = self->ops->frame_send(self->ops->ctx, self->frame, length);
  if (n == 0) return LASTACK_WASI_EAGAIN;
  if (n < 0) return LASTACK_WASI_EIO;
  set_word(self, nwritten, length);
  return LASTACK_WASI_SUCCESS;
}

u32 WASI(clock_time_get)(struct w2c_wasi__snapshot__preview1 *wasi, u32 id, u64 precision, u32 out) {
  lastack *self = STACK(wasi);
  (void)id;
  (void)precision;
  uint64_t ns = self->ops->now_ms(self->ops->ctx) * 1000000u;
  memcpy(stack_memory(self, out, 8), &ns, 8);
  return LASTACK_WASI_SUCCESS;
}

u32 WASI(random_get)(struct w2c_wasi__snapshot__preview1 *wasi, u32 out, u32 n) {
  lastack *self = STACK(wasi);
  self->ops->random(self->ops->ctx, stack_memory(self, out, n), n);
  return LASTACK_WASI_SUCCESS;
}
