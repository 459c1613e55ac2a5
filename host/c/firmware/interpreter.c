/*
 * The test firmware's commands: a test calls the core's functions by name over the UART and reads and writes linear memory.
 * Numbers are hexadecimal, bytes two digits each. Every command is answered by one line: "=" and what was asked for, or "?".
 *
 *   start                 a fresh core, not configured; from here on time stands still and nothing is polled unasked. The answer
 *                         is the size of linear memory and of the region that can be watched
 *   resume                back to the example's services
 *   mac BYTES             starts the controller anew with that hardware address
 *   watch ADDRESS LENGTH  changes of this region are told; it begins as zeros
 *   w ADDRESS BYTES       writes to linear memory
 *   r ADDRESS LENGTH      reads, up to 64 bytes
 *   call NAME ARGUMENT... calls an export: its result, and what changed in the region watched as ADDRESS:BYTES
 *   poll NOW FRAMES       lets that many frames arrive and polls at NOW ms: the result, the frames sent, what changed
 */
#include <string.h>
#include "board.h"
#include "firmware.h"
#include "stack.h"
#include "core_calls.h"

#ifndef WATCH_MOST
#define WATCH_MOST 256u
#endif
#define RUN_MOST 64u
static uint8_t known[WATCH_MOST]; /* the region as the test knows it */
static uint32_t area, watched;
static uint32_t due, sent;  /* frames */
static uint64_t now;
int interpreting;

static void hex(uint32_t v, int digits) {
  while (digits-- > 0) uart_putc("0123456789abcdef"[v >> 4 * digits & 15]);
}
static int digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
/* The next number, and the place behind the blank that ends it; 0 if there is none. */
static const char *number(const char *at, uint64_t *out) {
  if (digit(*at) < 0) return 0;
  for (*out = 0; digit(*at) >= 0; at++) *out = *out << 4 | (uint64_t)digit(*at);
  if (*at == ' ') return at + 1;
  return *at == 0 ? at : 0;
}
static const char *word(const char *at, uint32_t *out) {
  uint64_t v = 0;
  at = number(at, &v);
  *out = (uint32_t)v;
  return at;
}
static int inside(uint32_t address, uint32_t n) { return n <= LASTACK_MEMORY_BYTES && address <= LASTACK_MEMORY_BYTES - n; }

/* What the core changed in the region, in runs. */
static void changes(void) {
  const uint8_t *here = stack_memory(0, area, watched);
  for (uint32_t i = 0; i < watched; i++) {
    if (here[i] == known[i]) continue;
    uart_putc(' ');
    hex(area + i, 4);
    uart_putc(':');
    do hex(known[i] = here[i], 2);
    while (++i < watched && here[i] != known[i]);
  }
  uart_putc('\n');
}

static int write_memory(const char *at) {
  uint32_t address;
  if (!(at = word(at, &address))) return 0;
  for (; digit(at[0]) >= 0 && digit(at[1]) >= 0; at += 2, address++) {
    if (!inside(address, 1)) return 0;
    uint8_t v = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
    *stack_memory(0, address, 1) = v;
    if (address - area < watched) known[address - area] = v;
  }
  if (*at) return 0;
  print("=\n");
  return 1;
}
static int mac(const char *at) {
  uint8_t m[6];
  for (int i = 0; i < 6; i++, at += 2) {
    if (digit(at[0]) < 0 || digit(at[1]) < 0) return 0;
    m[i] = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
  }
  eth_init(m);
  print("=\n");
  return *at == 0;
}
static int watch(const char *at) {
  uint32_t address, n;
  if (!(at = word(at, &address)) || !word(at, &n) || n > WATCH_MOST || !inside(address, n)) return 0;
  area = address;
  watched = n;
  memset(known, 0, sizeof known);
  memset(stack_memory(0, area, n), 0, n);
  print("=\n");
  return 1;
}
static int read_memory(const char *at) {
  uint32_t address, n;
  if (!(at = word(at, &address)) || !word(at, &n) || n > RUN_MOST || !inside(address, n)) return 0;
  print("= ");
  for (const uint8_t *p = stack_memory(0, address, n); n--; p++) hex(*p, 2);
  print("\n");
  return 1;
}

static int call(char *name) {
  uint32_t arguments[CORE_CALL_MOST], n = 0, result;
  char *blank = strchr(name, ' ');
  const char *at = blank ? blank + 1 : "";
  if (blank) *blank = 0;
  while (*at)
    if (n == CORE_CALL_MOST || !(at = word(at, &arguments[n++]))) return 0;
  if (!core_call(name, arguments, n, &result)) return 0;
  print("= ");
  hex(result, 8);
  changes();
  return 1;
}
static int poll(const char *at) {
  uint32_t result;
  if (!(at = number(at, &now)) || !word(at, &due)) return 0;
  sent = 0;
  core_call("poll", 0, 0, &result);
  print("= ");
  hex(result, 8);
  uart_putc(' ');
  hex(sent, 4);
  changes();
  return 1;
}

int interpreter_line(lastack *stack, char *line) {
  if (!strcmp(line, "start")) {
    interpreting = 1;
    now = 0;
    watched = 0;
    lastack_restart(stack);
    print("= ");
    hex(LASTACK_MEMORY_BYTES, 8);
    uart_putc(' ');
    hex(WATCH_MOST, 8);
    uart_putc('\n');
    return 1;
  }
  if (!interpreting) return 0;
  if (!strcmp(line, "resume")) firmware_resume();
  if (!strncmp(line, "watch ", 6)) return watch(line + 6);
  if (!strncmp(line, "mac ", 4)) return mac(line + 4);
  if (!strncmp(line, "w ", 2)) return write_memory(line + 2);
  if (!strncmp(line, "r ", 2)) return read_memory(line + 2);
  if (!strncmp(line, "call ", 5)) return call(line + 5);
  if (!strncmp(line, "poll ", 5)) return poll(line + 5);
  return 0;
}

uint64_t interpreter_now(void) { return now; }
/* Waits for a frame that the test has announced: it is on its way. */
int interpreter_recv(uint8_t *frame, size_t capacity) {
  int n = 0;
  if (!due) return 0;
  while (!(n = eth_recv(frame, capacity))) continue;
  due--;
  return n;
}
int interpreter_send(const uint8_t *frame, size_t length) {
  int n;
  while (!(n = eth_send(frame, length))) continue;
  sent++;
  return n;
}
