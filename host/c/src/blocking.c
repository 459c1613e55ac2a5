/* The calls of lastack.h that wait: poll, and ask again. */
#include "stack.h"

void lastack_wait(lastack *self) {
  int ms = lastack_poll(self);
  if (ms && self->idle) self->idle(self->ops->ctx, ms);
}
/* Repeats `call` while its answer is LASTACK_WAIT. */
#define UNTIL_ANSWERED(failed, call) \
  int own = 0;                       \
  if (!error) error = &own;          \
  while ((call) == (failed) && *error == LASTACK_WAIT) lastack_wait(self)

lastack_handle lastack_accept_blocking(lastack *self, lastack_handle s, uint8_t address[4], uint16_t *port, int *error) {
  lastack_handle a;
  UNTIL_ANSWERED(LASTACK_INVALID_SOCKET, a = lastack_accept(self, s, address, port, error));
  return a;
}
int lastack_connect_blocking(lastack *self, lastack_handle s, const uint8_t address[4], uint16_t port, int *error) {
  int r;
  UNTIL_ANSWERED(-1, r = lastack_connect(self, s, address, port, error));
  return r;
}
int lastack_recv_blocking(lastack *self, lastack_handle s, void *data, size_t capacity, int *error) {
  int n;
  UNTIL_ANSWERED(-1, n = lastack_recv(self, s, data, capacity, error));
  return n;
}
static int send_some(lastack *self, lastack_handle s, const uint8_t *data, size_t length, int *error) {
  int n;
  UNTIL_ANSWERED(-1, n = lastack_send(self, s, data, length, error));
  return n;
}
int lastack_send_blocking(lastack *self, lastack_handle s, const void *data, size_t length, int *error) {
  for (size_t done = 0; done < length;) {
    int n = send_some(self, s, (const uint8_t *)data + done, length - done, error);
    if (n < 0) return -1;
    done += (size_t)n;
  }
  return (int)length;
}
int lastack_sendto_blocking(lastack *self, lastack_handle s, const void *data, size_t length, const uint8_t address[4], uint16_t port, int *error) {
  int n;
  UNTIL_ANSWERED(-1, n = lastack_sendto(self, s, data, length, address, port, error));
  return n;
}
int lastack_recvfrom_blocking(lastack *self, lastack_handle s, void *data, size_t capacity, uint8_t address[4], uint16_t *port, int *error) {
  int n;
  UNTIL_ANSWERED(-1, n = lastack_recvfrom(self, s, data, capacity, address, port, error));
  return n;
}
int lastack_select_blocking(lastack *self, lastack_set *readable, lastack_set *writable, lastack_set *exceptional, int wait_ms, int *error) {
  int n;
  UNTIL_ANSWERED(-1, n = lastack_select(self, readable, writable, exceptional, wait_ms, error));
  return n;
}
int lastack_close_blocking(lastack *self, lastack_handle s, lastack_report *report, int *error) {
  int r;
  UNTIL_ANSWERED(-1, r = lastack_close(self, s, error));
  if (r < 0) return -1;
  while (!lastack_report_pull(self, report) || report->handle != s) lastack_wait(self);
  return 0;
}

const char *lastack_outcome_name(uint32_t outcome) {
  static const char *const names[] = {"none", "graceful", "delivered", "reset by peer", "aborted", "linger expired", "timed out", "unreachable", "not connected", "unknown"};
  return outcome < sizeof names / sizeof names[0] ? names[outcome] : "?";
}
