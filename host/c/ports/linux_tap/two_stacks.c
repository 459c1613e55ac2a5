/* Two stacks in one process, on a wire of memory: the six steps of a graceful close between them, then both close reports. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lastack.h"

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
static lastack *stacks[2];

static void check(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "two_stacks: %s failed\n", what);
  exit(1);
}
/* A millisecond passes; both stacks are polled. */
static void pass(void) {
  now++;
  for (int i = 0; i < 2; i++) lastack_poll(stacks[i]);
}
static int receive(int i, lastack_handle s, char *to, size_t room) {
  int error = 0, n;
  while ((n = lastack_recv(stacks[i], s, to, room, &error)) < 0) {
    check(error == (int)LASTACK_WAIT, "recv");
    pass();
  }
  return n;
}
static void report(int i, lastack_handle s) {
  lastack_report r;
  do pass();
  while (!lastack_report_pull(stacks[i], &r));
  check(r.handle == s, "the report's handle");
  printf("stack %d: %s, sent %u, acknowledged %u, peer FIN %u\n", i, lastack_outcome_name(r.outcome), r.sent, r.acknowledged, r.peer_fin);
}

int main(void) {
  static const uint8_t address[2][4] = {{10, 0, 0, 1}, {10, 0, 0, 2}};
  char text[64];
  int error = 0;
  for (int i = 0; i < 2; i++) {
    const uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)(i + 1)};
    stacks[i] = lastack_open((unsigned)i, &ops[i]);
    check(stacks[i] && lastack_device(stacks[i], mac, 1500) == 0 && !lastack_address(stacks[i], 0, address[i], 24), "set-up");
  }
  lastack_handle listener = lastack_socket(stacks[1], LASTACK_SOCK_STREAM, &error);
  check(!lastack_bind(stacks[1], listener, address[1], 7, &error) && !lastack_listen(stacks[1], listener, 1, &error), "listen");
  lastack_handle client = lastack_socket(stacks[0], LASTACK_SOCK_STREAM, &error), server;
  while (lastack_connect(stacks[0], client, address[1], 7, &error)) {
    check(error == (int)LASTACK_WAIT, "connect");
    pass();
  }
  while ((server = lastack_accept(stacks[1], listener, NULL, NULL, &error)) == LASTACK_INVALID_SOCKET) {
    check(error == (int)LASTACK_WAIT, "accept");
    pass();
  }
  check(lastack_send(stacks[0], client, "request", 7, &error) == 7 && !lastack_shutdown(stacks[0], client, LASTACK_SD_SEND, &error), "step 1");
  check(receive(1, server, text, sizeof text) == 7 && receive(1, server, text, sizeof text) == 0, "step 2");
  check(lastack_send(stacks[1], server, "the answer", 10, &error) == 10 && !lastack_shutdown(stacks[1], server, LASTACK_SD_SEND, &error), "steps 3 and 4");
  check(!lastack_close(stacks[1], server, &error), "the server's close");
  check(receive(0, client, text, sizeof text) == 10 && receive(0, client, text, sizeof text) == 0, "step 5");
  check(!lastack_close(stacks[0], client, &error), "step 6");
  report(1, server);
  report(0, client);
  return 0;
}
