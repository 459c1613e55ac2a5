/*
 * Fetches a page over a TAP device with Winsock's calls and prints what became of the connection:
 *
 *   fetch DEVICE OWN-ADDRESS SERVER-ADDRESS PORT PATH
 *
 * The page goes to stdout, the close report to stderr. Exit status 0: the close was graceful.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lastack_winsock2.h"
#include "linux_tap.h"

static int fail(const char *what) {
  fprintf(stderr, "fetch: %s: %d\n", what, WSAGetLastError());
  return 1;
}

int main(int argc, char **argv) {
  static const uint8_t mac[6] = {2, 0, 0, 0, 0, 0x42};
  char text[2048];
  uint8_t own[4];
  WSADATA data;
  if (argc != 6 || inet_addr(argv[2]) == 0xffffffffu || inet_addr(argv[3]) == 0xffffffffu) {
    fprintf(stderr, "usage: fetch DEVICE OWN-ADDRESS SERVER-ADDRESS PORT PATH\n");
    return 2;
  }
  uint32_t address = inet_addr(argv[2]);
  memcpy(own, &address, 4);
  lastack *stack = linux_tap_open(0, argv[1], mac, own, 24);
  lastack_winsock(stack);
  if (WSAStartup(MAKEWORD(2, 2), &data)) return fail("WSAStartup");

  SOCKET s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  struct sockaddr_in server = {AF_INET, htons((uint16_t)atoi(argv[4])), {inet_addr(argv[3])}, {0}};
  struct linger linger = {1, 10};
  if (s == INVALID_SOCKET) return fail("socket");
  if (connect(s, (const struct sockaddr *)&server, sizeof server)) return fail("connect");
  int length = snprintf(text, sizeof text, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", argv[5], argv[3]);
  if (send(s, text, length, 0) != length) return fail("send");
  if (shutdown(s, SD_SEND)) return fail("shutdown");
  int n;
  while ((n = recv(s, text, sizeof text, 0)) > 0) fwrite(text, 1, (size_t)n, stdout);
  if (n < 0) return fail("recv");
  if (setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof linger) || closesocket(s)) return fail("closesocket");

  lastack_report report;
  while (!lastack_report_pull(stack, &report)) lastack_wait(stack);
  fprintf(stderr, "close report: %s, sent %u, acknowledged %u, discarded %u, peer FIN %u, %u ms\n", lastack_outcome_name(report.outcome),
          report.sent, report.acknowledged, report.discarded, report.peer_fin, report.duration_ms);
  WSACleanup();
  return report.outcome == LASTACK_OUTCOME_GRACEFUL ? 0 : 1;
}
