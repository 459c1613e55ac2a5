/* Commands over the UART, a line each. */
#include <string.h>
#include "board.h"
#include "firmware.h"

#ifdef LASTACK_INTERPRETER
#define LINE 640
#else
#define LINE 48
#endif
static char line[LINE];
static unsigned length;

/* A number below `limit` at *at, moved behind it; -1 if there is none. */
static int32_t number(const char **at, int32_t limit) {
  int32_t v = -1;
  for (; **at >= '0' && **at <= '9'; ++*at) {
    v = (v < 0 ? 0 : v * 10) + (**at - '0');
    if (v >= limit) return -1;
  }
  return v;
}

static int client(const char *at) {
  uint8_t address[4];
  for (int i = 0; i < 4; i++) {
    int32_t v = number(&at, 256);
    if (v < 0 || *at++ != (i < 3 ? '.' : ' ')) return 0;
    address[i] = (uint8_t)v;
  }
  int32_t port = number(&at, 65536);
  return port > 0 && *at == 0 && client_start(address, (uint16_t)port);
}

static void item(const char *name, uint32_t value) {
  print(name);
  print_number(value);
}
static void status(lastack *stack) {
  item("stack ", stack_peak());
  item(" sockets ", lastack_stat(stack, LASTACK_STAT_SOCKETS));
  item(" connections ", lastack_stat(stack, LASTACK_STAT_TCP_CURRENT));
  item(" orphans ", lastack_stat(stack, LASTACK_STAT_TCP_ORPHANS));
  item(" received ", lastack_stat(stack, LASTACK_STAT_IN_FRAMES));
  item(" sent ", lastack_stat(stack, LASTACK_STAT_OUT_FRAMES));
  item(" graceful ", graceful_reports);
  item(" otherwise ", other_reports);
  item(" memory ", lastack_stat(stack, LASTACK_STAT_MEMORY_BYTES));
  item(" given ", LASTACK_MEMORY_BYTES);
  item(" buffers ", lastack_stat(stack, LASTACK_STAT_BUFFER_BYTES));
  item(" ticks ", busy_ticks);
  item(" of ", board_hz);
  item(" segments ", busy_segments);
  print("\n");
}

static void obey(lastack *stack) {
#ifdef LASTACK_INTERPRETER
  if (interpreter_line(stack, line)) return;
  if (interpreting) {
    print("?\n");
    return;
  }
#endif
  if (strncmp(line, "client ", 7) == 0) print(client(line + 7) ? "ok\n" : "error\n");
  else if (strcmp(line, "status") == 0) status(stack);
  else if (strcmp(line, "quiet") == 0) {
    quiet = 1;
    print("ok\n");
  }
  else print("error\n");
}

void console_run(lastack *stack) {
  for (int c = uart_getc(); c >= 0; c = uart_getc()) {
    if (c != '\n') {
      if (length < sizeof line - 1) line[length++] = (char)c;
      continue;
    }
    line[length] = 0;
    length = 0;
    obey(stack);
    return;
  }
}
