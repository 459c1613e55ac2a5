/* The wire, the clock and the functions of two stacks in one process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "two_ends.h"

#define FRAMES 32
/* One direction of the wire. */
struct cable {
  uint8_t bytes[FRAMES][1514];
  size_t length[FRAMES];
  unsigned first, count;
};
struct end {
  struct cable *in, *out;
};
static struct cable cables[2];
static struct end ends[2] = {{&cables[0], &cables[1]}, {&cables[1], &cables[0]}};
static uint64_t now;

static int frame_recv(void *ctx, uint8_t *frame, size_t capacity) {
  struct cable *c = ((struct end *)ctx)->in;
  if (!c->count) return 0;
  size_t n = c->length[c->first];
  if (n > capacity) n = capacity;
  memcpy(frame, c->bytes[c->first], n);
  c->first = (c->first + 1) % FRAMES;
  c->count--;
  return (int)n;
}
static int frame_send(void *ctx, const uint8_t *frame, size_t length) {
  struct cable *c = ((struct end *)ctx)->out;
  if (c->count == FRAMES) return 0;
  unsigned at = (c->first + c->count++) % FRAMES;
  memcpy(c->bytes[at], frame, length);
  c->length[at] = length;
  return (int)length;
}
static uint64_t now_ms(void *ctx) {
  (void)ctx;
  return now;
}
/* The same bytes at every run: a demonstration, not for a network. */
static void randomness(void *ctx, void *bytes, size_t length) {
  static uint32_t state = 1;
  (void)ctx;
  for (uint8_t *to = bytes; length--;) *to++ = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
}
static void trapped(void *ctx, int reason) {
  (void)ctx;
  fprintf(stderr, "trap %d\n", reason);
  abort();
}
static const lastack_ops ops[2] = {{frame_recv, frame_send, now_ms, randomness, trapped, &ends[0]}, {frame_recv, frame_send, now_ms, randomness, trapped, &ends[1]}};
lastack *two_stacks[2];
const uint8_t two_addresses[2][4] = {{10, 0, 0, 1}, {10, 0, 0, 2}};

int two_open(void) {
  for (int i = 0; i < 2; i++) {
    const uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)(i + 1)};
    two_stacks[i] = lastack_open((unsigned)i, &ops[i]);
    if (!two_stacks[i] || lastack_device(two_stacks[i], mac, 1500) || lastack_address(two_stacks[i], 0, two_addresses[i], 24)) return 0;
  }
  return 1;
}
void two_pass(void) {
  now++;
  for (int i = 0; i < 2; i++) lastack_poll(two_stacks[i]);
}
uint64_t two_now(void) { return now; }
