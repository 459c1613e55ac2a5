/* Two stacks in one process, on a wire of memory: the six steps of a graceful close between them, then both close reports. */
#include <stdio.h>
#include <stdlib.h>
#include "two_ends.h"

static void check(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "two_stacks: %s failed\n", what);
  exit(1);
}
static int receive(int i, lastack_handle s, char *to, size_t room) {
  int error = 0, n;
  while ((n = lastack_recv(two_stacks[i], s, to, room, &error)) < 0) {
    check(error == (int)LASTACK_WAIT, "recv");
    two_pass();
  }
  return n;
}
static void report(int i, lastack_handle s) {
  lastack_report r;
  do two_pass();
  while (!lastack_report_pull(two_stacks[i], &r));
  check(r.handle == s, "the report's handle");
  printf("stack %d: %s, sent %u, acknowledged %u, peer FIN %u\n", i, lastack_outcome_name(r.outcome), r.sent, r.acknowledged, r.peer_fin);
}

int main(void) {
  char text[64];
  int error = 0;
  check(two_open(), "set-up");
  lastack_handle listener = lastack_socket(two_stacks[1], LASTACK_SOCK_STREAM, &error);
  check(!lastack_bind(two_stacks[1], listener, two_addresses[1], 7, &error) && !lastack_listen(two_stacks[1], listener, 1, &error), "listen");
  lastack_handle client = lastack_socket(two_stacks[0], LASTACK_SOCK_STREAM, &error), server;
  while (lastack_connect(two_stacks[0], client, two_addresses[1], 7, &error)) {
    check(error == (int)LASTACK_WAIT, "connect");
    two_pass();
  }
  while ((server = lastack_accept(two_stacks[1], listener, NULL, NULL, &error)) == LASTACK_INVALID_SOCKET) {
    check(error == (int)LASTACK_WAIT, "accept");
    two_pass();
  }
  check(lastack_send(two_stacks[0], client, "request", 7, &error) == 7 && !lastack_shutdown(two_stacks[0], client, LASTACK_SD_SEND, &error), "step 1");
  check(receive(1, server, text, sizeof text) == 7 && receive(1, server, text, sizeof text) == 0, "step 2");
  check(lastack_send(two_stacks[1], server, "the answer", 10, &error) == 10 && !lastack_shutdown(two_stacks[1], server, LASTACK_SD_SEND, &error), "steps 3 and 4");
  check(!lastack_close(two_stacks[1], server, &error), "the server's close");
  check(receive(0, client, text, sizeof text) == 10 && receive(0, client, text, sizeof text) == 0, "step 5");
  check(!lastack_close(two_stacks[0], client, &error), "step 6");
  report(1, server);
  report(0, client);
  return 0;
}
