/* The firmware's services, each connection a small state of its own, advanced as far as it goes at every turn. */
#include <string.h>
#include "board.h"
#include "firmware.h"

enum role { FREE, ECHO, PAGE, SIX_SERVER, SIX_CLIENT };
enum step { CONNECTING, SENDING, RECEIVING };
#define CONNECTIONS 5
#define TEXT 400
/* Whoever says nothing for so long loses the connection: others wait for its place. */
#define IDLE_MS 60000u
/* SO_SNDBUF of the tiny build. */
#define SEND_BUFFER 2048

static struct connection {
  enum role role;
  enum step step;
  lastack_handle socket;
  uint16_t at;
  uint32_t heard; /* when anything last happened, ms */
} connections[CONNECTIONS];

static const struct { uint16_t port; enum role role; } services[] = {{7, ECHO}, {80, PAGE}, {9, SIX_SERVER}};
#define SERVICES (sizeof services / sizeof services[0])
static lastack_handle listeners[SERVICES];
static lastack *stack;
static const uint8_t any[4] = {0, 0, 0, 0};
static uint8_t peer[4];
static uint16_t peer_port;
/* One buffer for all: nothing is kept in it between two turns. */
static char text[TEXT];

static const char REQUEST[] = "six steps: request\n";
static const char REPLY[] = "six steps: reply\n";

int services_start(lastack *s) {
  stack = s;
  memset(connections, 0, sizeof connections);
  for (unsigned i = 0; i < SERVICES; i++) {
    listeners[i] = lastack_socket(stack, LASTACK_SOCK_STREAM, NULL);
    if (listeners[i] == LASTACK_INVALID_SOCKET) return 0;
    if (lastack_bind(stack, listeners[i], any, services[i].port, NULL) || lastack_listen(stack, listeners[i], 2, NULL)) return 0;
    lastack_nonblocking(stack, listeners[i], 1, NULL);
  }
  return 1;
}

static struct connection *vacant(void) {
  for (struct connection *c = connections; c < connections + CONNECTIONS; c++)
    if (c->role == FREE) return c;
  return NULL;
}

static void finish(struct connection *c) {
  lastack_close(stack, c->socket, NULL);
  c->role = FREE;
}
static void touch(struct connection *c) { c->heard = (uint32_t)board_ms(); }
/* Begins a service on that socket. */
static void engage(struct connection *c, lastack_handle socket, enum role role, enum step step) {
  *c = (struct connection){role, step, socket, 0, 0};
  touch(c);
}

/* Everything is buffered that fits; 1 once all of `bytes` is. */
static int send_rest(struct connection *c, const char *bytes, size_t length) {
  int error = 0, n = lastack_send(stack, c->socket, bytes + c->at, length - c->at, &error);
  if (n > 0) c->at = (uint16_t)(c->at + n);
  else if (error != LASTACK_WSAEWOULDBLOCK) finish(c);
  return c->at == length;
}

static char *append(char *to, const char *s) {
  while (*s) *to++ = *s++;
  return to;
}

/* The page is the same length at every turn: numbers are those of the moment it was begun. */
static size_t page(char *to) {
  static const struct { const char *label; unsigned counter; } lines[] = {
    {"sockets ", LASTACK_STAT_SOCKETS}, {"\nconnections ", LASTACK_STAT_TCP_CURRENT}, {"\nframes in ", LASTACK_STAT_IN_FRAMES},
    {"\nframes out ", LASTACK_STAT_OUT_FRAMES}, {"\nsegments retransmitted ", LASTACK_STAT_TCP_RETRANS_SEGS}, {"\nreports ", LASTACK_STAT_REPORTS}};
  char *end = append(to, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nLastack\n");
  for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) end = decimal(append(end, lines[i].label), lastack_stat(stack, lines[i].counter));
  for (struct connection *c = connections; c < connections + CONNECTIONS; c++)
    if (c->role != FREE) end = decimal(append(end, "\nstate "), (uint32_t)lastack_state(stack, c->socket));
  return (size_t)(append(end, "\n") - to);
}

/* Bytes received into text, 0 at the peer's FIN, -1 if there is nothing now or the connection is lost (then it is closed). */
static int receive(struct connection *c) {
  int error = 0, n = lastack_recv(stack, c->socket, text, sizeof text, &error);
  if (n >= 0) touch(c);
  if (n < 0 && error != LASTACK_WSAEWOULDBLOCK) finish(c);
  return n;
}

/* Never takes more than there is room for; a send takes what lies before the end of the send buffer, the next one the rest. */
static void echo(struct connection *c) {
  int outstanding = 0, size = sizeof outstanding;
  if (lastack_getsockopt(stack, c->socket, LASTACK_SOL_LASTACK, LASTACK_LSO_OUTSTANDING, &outstanding, &size, NULL)) return finish(c);
  if (outstanding + (int)sizeof text > SEND_BUFFER) return;
  int n = receive(c);
  if (n == 0) finish(c);
  for (int done = 0; done < n;) {
    int sent = lastack_send(stack, c->socket, text + done, (size_t)(n - done), NULL);
    if (sent < 0) return finish(c);
    done += sent;
  }
}

static void serve_page(struct connection *c) {
  if (c->step == SENDING) {
    if (receive(c) == 0) finish(c);
    return;
  }
  int n = receive(c);
  if (n == 0) finish(c);
  if (n <= 0) return;
  size_t length = page(text);
  c->step = SENDING;
  /* The first bytes of a connection find its send buffer empty: they fit in one piece. */
  if (lastack_send(stack, c->socket, text, length, NULL) != (int)length || lastack_shutdown(stack, c->socket, LASTACK_SD_SEND, NULL)) finish(c);
}

/* Steps 2, 4 and 5 of a graceful close: read to the peer's FIN, answer, close. */
static void six_server(struct connection *c) {
  if (c->step == RECEIVING && receive(c) == 0) c->step = SENDING;
  if (c->role != FREE && c->step == SENDING && send_rest(c, REPLY, sizeof REPLY - 1)) {
    lastack_shutdown(stack, c->socket, LASTACK_SD_SEND, NULL);
    finish(c);
  }
}

/* Steps 1, 3 and 6: send, shut the send side, read to the peer's FIN, close. */
static void six_client(struct connection *c) {
  int error = 0;
  if (c->step == CONNECTING) {
    if (lastack_connect(stack, c->socket, peer, peer_port, &error) == 0 || error == LASTACK_WSAEISCONN) c->step = SENDING;
    else if (error != LASTACK_WSAEWOULDBLOCK && error != LASTACK_WSAEALREADY) finish(c);
  }
  if (c->role != FREE && c->step == SENDING && send_rest(c, REQUEST, sizeof REQUEST - 1)) {
    lastack_shutdown(stack, c->socket, LASTACK_SD_SEND, NULL);
    c->step = RECEIVING;
  }
  if (c->role != FREE && c->step == RECEIVING && receive(c) == 0) finish(c);
}

int client_start(const uint8_t address[4], uint16_t port) {
  struct connection *c = vacant();
  lastack_handle socket = c ? lastack_socket(stack, LASTACK_SOCK_STREAM, NULL) : LASTACK_INVALID_SOCKET;
  if (socket == LASTACK_INVALID_SOCKET) return 0;
  lastack_nonblocking(stack, socket, 1, NULL);
  memcpy(peer, address, sizeof peer);
  peer_port = port;
  engage(c, socket, SIX_CLIENT, CONNECTING);
  return 1;
}

void services_run(void) {
  for (unsigned i = 0; i < SERVICES; i++) {
    struct connection *c = vacant();
    if (!c) break;
    lastack_handle socket = lastack_accept(stack, listeners[i], NULL, NULL, NULL);
    if (socket != LASTACK_INVALID_SOCKET) engage(c, socket, services[i].role, RECEIVING);
  }
  for (struct connection *c = connections; c < connections + CONNECTIONS; c++) {
    switch (c->role) {
      case ECHO: echo(c); break;
      case PAGE: serve_page(c); break;
      case SIX_SERVER: six_server(c); break;
      case SIX_CLIENT: six_client(c); break;
      case FREE: break;
    }
    if (c->role != FREE && (uint32_t)board_ms() - c->heard >= IDLE_MS) finish(c);
  }
}
