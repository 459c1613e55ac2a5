/* lastack_winsock2.h: Winsock's calls over lastack.h, the last error beside them. */
#include <string.h>
#include "lastack_winsock2.h"

static lastack *stack;
static int last_error;

/* What a call that failed returns; the code is behind WSAGetLastError. */
static int failed(int error) {
  last_error = error;
  return SOCKET_ERROR;
}
/* The code is read after the call that stores it: arguments have no order. */
static int outcome(int result, const int *error) { return result < 0 ? failed(*error) : result; }
/* A sockaddr_in's address and port; 0 if the name is none. */
static int name_of(const struct sockaddr *name, int length, uint8_t address[4], uint16_t *port) {
  struct sockaddr_in in;
  if (!name || length < (int)sizeof in) return 0;
  memcpy(&in, name, sizeof in);
  memcpy(address, &in.sin_addr.s_addr, 4);
  *port = lastack_ws_htons(in.sin_port);
  return in.sin_family == LASTACK_AF_INET;
}
/* Stores a sockaddr_in where there is room for it: 1, or 0. */
static int store_name(const uint8_t address[4], uint16_t port, struct sockaddr *name, int *length) {
  struct sockaddr_in in = {AF_INET, lastack_ws_htons(port), {0}, {0}};
  if (!name || !length || *length < (int)sizeof in) return 0;
  memcpy(&in.sin_addr.s_addr, address, 4);
  memcpy(name, &in, sizeof in);
  *length = sizeof in;
  return 1;
}

void lastack_winsock(lastack *s) { stack = s; }
int lastack_ws_WSAStartup(uint16_t version, WSADATA *data) {
  if (!stack) return LASTACK_WSASYSNOTREADY;
  if ((version & 0xff) < 2) return LASTACK_WSAVERNOTSUPPORTED;
  if (data) data->wVersion = data->wHighVersion = MAKEWORD(2, 2);
  return 0;
}
int lastack_ws_WSACleanup(void) { return stack ? 0 : failed(LASTACK_WSANOTINITIALISED); }
int lastack_ws_WSAGetLastError(void) { return last_error; }
void lastack_ws_WSASetLastError(int error) { last_error = error; }

SOCKET lastack_ws_socket(int family, int type, int protocol) {
  int error = 0;
  (void)protocol;
  if (!stack || family != AF_INET) {
    last_error = stack ? LASTACK_WSAEAFNOSUPPORT : LASTACK_WSANOTINITIALISED;
    return INVALID_SOCKET;
  }
  SOCKET s = lastack_socket(stack, type, &error);
  if (s == INVALID_SOCKET) last_error = error;
  return s;
}
int lastack_ws_bind(SOCKET s, const struct sockaddr *name, int length) {
  int error = 0;
  uint8_t address[4];
  uint16_t port;
  if (!name_of(name, length, address, &port)) return failed(LASTACK_WSAEFAULT);
  return outcome(lastack_bind(stack, s, address, port, &error), &error);
}
int lastack_ws_listen(SOCKET s, int backlog) {
  int error = 0;
  return outcome(lastack_listen(stack, s, backlog, &error), &error);
}
SOCKET lastack_ws_accept(SOCKET s, struct sockaddr *name, int *length) {
  int error = 0;
  uint16_t port = 0;
  uint8_t address[4] = {0, 0, 0, 0};
  SOCKET a = lastack_accept_blocking(stack, s, address, &port, &error);
  if (a == INVALID_SOCKET) last_error = error;
  else store_name(address, port, name, length);
  return a;
}
int lastack_ws_connect(SOCKET s, const struct sockaddr *name, int length) {
  int error = 0;
  uint8_t address[4];
  uint16_t port;
  if (!name_of(name, length, address, &port)) return failed(LASTACK_WSAEFAULT);
  return outcome(lastack_connect_blocking(stack, s, address, port, &error), &error);
}

/* A blocking socket sends everything; a nonblocking one what fits. */
int lastack_ws_send(SOCKET s, const char *data, int length, int flags) {
  int error = 0, done = 0;
  if (flags || length < 0) return failed(LASTACK_WSAEOPNOTSUPP);
  while (done < length) {
    int n = lastack_send(stack, s, data + done, (size_t)(length - done), &error);
    if (n > 0) done += n;
    else if (error == (int)LASTACK_WAIT) lastack_wait(stack);
    else if (error == LASTACK_WSAEWOULDBLOCK && done > 0) break;
    else return failed(error);
  }
  return done;
}
int lastack_ws_recv(SOCKET s, char *data, int length, int flags) {
  int error = 0;
  if (flags || length < 0) return failed(LASTACK_WSAEOPNOTSUPP);
  return outcome(lastack_recv_blocking(stack, s, data, (size_t)length, &error), &error);
}
int lastack_ws_sendto(SOCKET s, const char *data, int length, int flags, const struct sockaddr *to, int to_length) {
  int error = 0;
  uint8_t address[4];
  uint16_t port;
  if (flags || length < 0) return failed(LASTACK_WSAEOPNOTSUPP);
  if (!name_of(to, to_length, address, &port)) return failed(LASTACK_WSAEFAULT);
  return outcome(lastack_sendto_blocking(stack, s, data, (size_t)length, address, port, &error), &error);
}
int lastack_ws_recvfrom(SOCKET s, char *data, int length, int flags, struct sockaddr *from, int *from_length) {
  int error = 0;
  uint8_t address[4] = {0, 0, 0, 0};
  uint16_t port = 0;
  if (flags || length < 0) return failed(LASTACK_WSAEOPNOTSUPP);
  int n = lastack_recvfrom_blocking(stack, s, data, (size_t)length, address, &port, &error);
  if (n >= 0 || error == LASTACK_WSAEMSGSIZE) store_name(address, port, from, from_length);
  return outcome(n, &error);
}
int lastack_ws_getsockname(SOCKET s, struct sockaddr *name, int *length) {
  int error = 0;
  uint8_t address[4];
  uint16_t port;
  if (lastack_sockname(stack, s, address, &port, &error)) return failed(error);
  return store_name(address, port, name, length) ? 0 : failed(LASTACK_WSAEFAULT);
}
int lastack_ws_getpeername(SOCKET s, struct sockaddr *name, int *length) {
  int error = 0;
  uint8_t address[4];
  uint16_t port;
  if (lastack_peername(stack, s, address, &port, &error)) return failed(error);
  return store_name(address, port, name, length) ? 0 : failed(LASTACK_WSAEFAULT);
}

/* fd_set and lastack_set are the same words. */
static lastack_set *words(fd_set *set, lastack_set *copy) {
  if (!set) return NULL;
  memcpy(copy, set, sizeof *copy);
  return copy;
}
int lastack_ws_select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional, const struct timeval *timeout) {
  fd_set *sets[3] = {readable, writable, exceptional};
  lastack_set copies[3], *given[3];
  int error = 0, ms = -1;
  (void)count;
  if (timeout) {
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0 || timeout->tv_sec > INT32_MAX / 1000 - 1) return failed(LASTACK_WSAEINVAL);
    ms = timeout->tv_sec * 1000 + (timeout->tv_usec + 999) / 1000;
  }
  for (int i = 0; i < 3; i++) given[i] = words(sets[i], &copies[i]);
  int n = lastack_select_blocking(stack, given[0], given[1], given[2], ms, &error);
  for (int i = 0; i < 3 && n >= 0; i++)
    if (sets[i]) memcpy(sets[i], &copies[i], sizeof copies[i]);
  return outcome(n, &error);
}
int lastack_ws_FD_ISSET(SOCKET s, const fd_set *set) {
  for (uint32_t i = 0; i < set->fd_count; i++)
    if (set->fd_array[i] == s) return 1;
  return 0;
}
void lastack_ws_FD_SET(SOCKET s, fd_set *set) {
  if (!lastack_ws_FD_ISSET(s, set) && set->fd_count < FD_SETSIZE) set->fd_array[set->fd_count++] = s;
}
void lastack_ws_FD_CLR(SOCKET s, fd_set *set) {
  for (uint32_t i = 0; i < set->fd_count; i++)
    if (set->fd_array[i] == s) set->fd_array[i] = set->fd_array[--set->fd_count];
}
int lastack_ws_shutdown(SOCKET s, int how) {
  int error = 0;
  return outcome(lastack_shutdown(stack, s, how, &error), &error);
}
/* Waits as long as the socket's linger option says; the report stays to be pulled. */
int lastack_ws_closesocket(SOCKET s) {
  int error = 0, result;
  while ((result = lastack_close(stack, s, &error)) < 0 && error == (int)LASTACK_WAIT) lastack_wait(stack);
  return outcome(result, &error);
}
int lastack_ws_setsockopt(SOCKET s, int level, int name, const char *value, int length) {
  int error = 0;
  return outcome(lastack_setsockopt(stack, s, level, name, value, length, &error), &error);
}
int lastack_ws_getsockopt(SOCKET s, int level, int name, char *value, int *length) {
  int error = 0;
  return outcome(lastack_getsockopt(stack, s, level, name, value, length, &error), &error);
}
int lastack_ws_ioctlsocket(SOCKET s, long command, unsigned long *argument) {
  int error = 0;
  uint32_t unread = 0;
  if (command == FIONBIO) return outcome(lastack_nonblocking(stack, s, *argument != 0, &error), &error);
  if (command != FIONREAD) return failed(LASTACK_WSAEINVAL);
  int result = lastack_unread(stack, s, &unread, &error);
  *argument = unread;
  return outcome(result, &error);
}

uint16_t lastack_ws_htons(uint16_t v) { return (uint16_t)(v >> 8 | v << 8); }
uint32_t lastack_ws_htonl(uint32_t v) { return v >> 24 | (v >> 8 & 0xff00u) | (v << 8 & 0xff0000u) | v << 24; }
uint32_t lastack_ws_inet_addr(const char *text) {
  uint8_t bytes[4];
  uint32_t address;
  for (int i = 0; i < 4; i++) {
    unsigned v = 0, digits = 0;
    for (; *text >= '0' && *text <= '9' && v < 256; text++, digits++) v = v * 10 + (unsigned)(*text - '0');
    if (!digits || v > 255 || *text != (i < 3 ? '.' : 0)) return 0xffffffffu;
    bytes[i] = (uint8_t)v;
    text++;
  }
  memcpy(&address, bytes, 4);
  return address;
}
