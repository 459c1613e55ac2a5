/* Winsock's datagram calls, names and select against a second stack in the process that echoes: each line says what was seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lastack_winsock2.h"
#include "two_ends.h"

#define ECHO_PORT 7
static lastack_handle echo, listener;

static void check(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "datagrams: %s failed, error %d\n", what, WSAGetLastError());
  exit(1);
}
/* While the program waits, time passes, and the other stack sends back what it got. */
static void idle(void *ctx, int ms) {
  static char datagram[1500];
  uint8_t from[4];
  uint16_t port;
  int n, error = 0;
  (void)ctx;
  (void)ms;
  two_pass();
  while ((n = lastack_recvfrom(two_stacks[1], echo, datagram, sizeof datagram, from, &port, &error)) >= 0) {
    check(lastack_sendto(two_stacks[1], echo, datagram, (size_t)n, from, port, &error) == n, "the echo");
  }
}
static struct sockaddr_in at(unsigned last, uint16_t port) {
  struct sockaddr_in in = {AF_INET, htons(port), {htonl(10u << 24 | last)}, {0}};
  return in;
}
static int ready(SOCKET s, int ms) {
  struct timeval time = {ms / 1000, ms % 1000 * 1000};
  fd_set readable, writable;
  FD_ZERO(&readable);
  FD_ZERO(&writable);
  FD_SET(s, &readable);
  FD_SET(s, &readable);
  FD_CLR(s, &writable);
  check(readable.fd_count == 1 && FD_ISSET(s, &readable), "FD_SET");
  int n = select(0, &readable, NULL, NULL, &time);
  check(n == (FD_ISSET(s, &readable) ? 1 : 0), "select");
  return n;
}

int main(void) {
  static char text[1472], back[1472];
  struct sockaddr_in to = at(2, ECHO_PORT), name;
  int length = sizeof name, error = 0;
  WSADATA data;
  check(two_open(), "set-up");
  echo = lastack_socket(two_stacks[1], LASTACK_SOCK_DGRAM, &error);
  check(!lastack_bind(two_stacks[1], echo, two_addresses[1], ECHO_PORT, &error) && !lastack_nonblocking(two_stacks[1], echo, 1, &error), "the echo's socket");
  listener = lastack_socket(two_stacks[1], LASTACK_SOCK_STREAM, &error);
  check(!lastack_bind(two_stacks[1], listener, two_addresses[1], ECHO_PORT, &error) && !lastack_listen(two_stacks[1], listener, 1, &error), "the listener");
  lastack_set_idle(two_stacks[0], idle);
  lastack_winsock(two_stacks[0]);
  check(!WSAStartup(MAKEWORD(2, 2), &data), "WSAStartup");

  SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
  check(s != INVALID_SOCKET, "socket");
  for (int i = 0; i < (int)sizeof text; i++) text[i] = (char)(i * 7);
  uint64_t before = two_now();
  check(sendto(s, text, 0, 0, (struct sockaddr *)&to, sizeof to) == 0, "an empty datagram");
  check(ready(s, 1000) == 1 && recvfrom(s, back, sizeof back, 0, NULL, NULL) == 0, "an empty datagram's echo");
  check(two_now() - before < 1000, "select waits no longer than it has to");
  check(sendto(s, text, sizeof text, 0, (struct sockaddr *)&to, sizeof to) == (int)sizeof text, "sendto");
  check(recvfrom(s, back, sizeof back, 0, (struct sockaddr *)&name, &length) == (int)sizeof back && !memcmp(text, back, sizeof text), "recvfrom");
  check(length == (int)sizeof name && name.sin_addr.s_addr == to.sin_addr.s_addr && ntohs(name.sin_port) == ECHO_PORT, "the sender's name");
  printf("%d bytes to 10.0.0.2:%d and back\n", (int)sizeof text, ntohs(name.sin_port));

  sendto(s, text, 100, 0, (struct sockaddr *)&to, sizeof to);
  memset(back, 0, sizeof back);
  check(recvfrom(s, back, 60, 0, NULL, NULL) == SOCKET_ERROR && !memcmp(text, back, 60) && !back[60], "a datagram that is cut");
  printf("100 bytes into 60: %d\n", WSAGetLastError());
  check(sendto(s, text, 70000, 0, (struct sockaddr *)&to, sizeof to) == SOCKET_ERROR, "a datagram too long");
  printf("70000 bytes: %d\n", WSAGetLastError());
  check(bind(s, (struct sockaddr *)&to, sizeof to) == SOCKET_ERROR, "another stack's address");
  printf("bind: %d\n", WSAGetLastError());
  before = two_now();
  check(ready(s, 1500) == 0, "nothing more comes");
  printf("nothing for %u ms\n", (unsigned)(two_now() - before));

  SOCKET c = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  check(getpeername(c, (struct sockaddr *)&name, &length) == SOCKET_ERROR, "no peer yet");
  printf("no peer: %d\n", WSAGetLastError());
  check(!connect(c, (struct sockaddr *)&to, sizeof to), "connect");
  check(!getpeername(c, (struct sockaddr *)&name, &length) && ntohs(name.sin_port) == ECHO_PORT, "getpeername");
  check(!getsockname(c, (struct sockaddr *)&name, &length) && name.sin_addr.s_addr == htonl(10u << 24 | 1) && name.sin_port, "getsockname");
  length = 4;
  check(getsockname(c, (struct sockaddr *)&name, &length) == SOCKET_ERROR, "no room for a name");
  printf("no room: %d\n", WSAGetLastError());
  check(!closesocket(c) && !closesocket(s), "closesocket");
  return 0;
}
