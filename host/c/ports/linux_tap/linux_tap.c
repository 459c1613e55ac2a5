#define _GNU_SOURCE
#include "linux_tap.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
  fprintf(stderr, "lastack: %s: %s\n", what, strerror(errno));
  exit(1);
}
static int descriptor(void *ctx) { return *(const int *)ctx; }

static int frame_recv(void *ctx, uint8_t *frame, size_t capacity) {
  ssize_t n = read(descriptor(ctx), frame, capacity);
  return n >= 0 ? (int)n : errno == EAGAIN || errno == EINTR ? 0 : -1;
}
static int frame_send(void *ctx, const uint8_t *frame, size_t length) {
  ssize_t n = write(descriptor(ctx), frame, length);
  /* EIO: the device is down; the frame is lost like on a wire without a plug. */
  return n >= 0 || errno == EIO ? (int)length : errno == EAGAIN || errno == EINTR ? 0 : -1;
}
static uint64_t now_ms(void *ctx) {
  struct timespec t;
  (void)ctx;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}
static void randomness(void *ctx, void *bytes, size_t length) {
  (void)ctx;
  if (getrandom(bytes, length, 0) != (ssize_t)length) fail("getrandom");
}
static void trapped(void *ctx, int reason) {
  (void)ctx;
  fprintf(stderr, "lastack: the core trapped (%d)\n", reason);
  abort();
}
static void idle(void *ctx, int milliseconds) {
  struct pollfd p = {descriptor(ctx), POLLIN, 0};
  poll(&p, 1, milliseconds);
}

lastack *linux_tap_open(unsigned number, const char *device, const uint8_t mac[6], const uint8_t address[4], unsigned prefix) {
  static int descriptors[16];
  static lastack_ops ops[16];
  struct ifreq request;
  if (number >= sizeof ops / sizeof ops[0]) {
    errno = EINVAL;
    fail("stack number");
  }
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (fd < 0) fail("/dev/net/tun");
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
  if (ioctl(fd, TUNSETIFF, &request) < 0) fail(device);
  descriptors[number] = fd;
  ops[number] = (lastack_ops){frame_recv, frame_send, now_ms, randomness, trapped, &descriptors[number]};
  lastack *stack = lastack_open(number, &ops[number]);
  int interface = stack ? lastack_device(stack, mac, 1500) : -1;
  if (interface < 0 || lastack_address(stack, interface, address, prefix) < 0) {
    errno = EINVAL;
    fail("the stack refuses its set-up");
  }
  lastack_set_idle(stack, idle);
  return stack;
}
