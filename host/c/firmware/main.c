/*
 * Example firmware: TCP echo on port 7, a status page on port 80, the six steps of a graceful close as server on port 9, and as
 * client by the UART command "client A.B.C.D PORT". Address 10.77.0.2/24.
 *
 * UART commands: "client A.B.C.D PORT", "status" and "quiet"; answers are lines. Everything runs in one loop, without blocking.
 * The test firmware (make TEST=1) obeys those of interpreter.c too.
 */
#include <setjmp.h>
#include <string.h>
#include "board.h"
#include "lastack.h"
#include "firmware.h"

static lastack *stack;
#ifdef LASTACK_INTERPRETER
static int op_recv(void *ctx, uint8_t *frame, size_t capacity) { (void)ctx; return interpreting ? interpreter_recv(frame, capacity) : eth_recv(frame, capacity); }
static int op_send(void *ctx, const uint8_t *frame, size_t length) { (void)ctx; return interpreting ? interpreter_send(frame, length) : eth_send(frame, length); }
static uint64_t op_now(void *ctx) { (void)ctx; return interpreting ? interpreter_now() : board_ms(); }
#else
static int op_recv(void *ctx, uint8_t *frame, size_t capacity) { (void)ctx; return eth_recv(frame, capacity); }
static int op_send(void *ctx, const uint8_t *frame, size_t length) { (void)ctx; return eth_send(frame, length); }
static uint64_t op_now(void *ctx) { (void)ctx; return board_ms(); }
#endif
/* A generator seeded by the clock: good for an emulated board that has nothing better; a product uses its hardware's. */
static void op_random(void *ctx, void *bytes, size_t length) {
  static uint32_t state = 2463534242u;
  (void)ctx;
  for (uint8_t *to = bytes; length--; to++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    state += (uint32_t)board_ms();
    *to = (uint8_t)(state >> 24);
  }
}
/* A fault inside the core ends the stack, not the device: everything is opened anew. */
static jmp_buf restart;
static void op_trap(void *ctx, int reason) {
  (void)ctx;
  print("TRAP ");
  print_number((uint32_t)reason);
  print("\n");
  longjmp(restart, 1);
}
static const lastack_ops ops = {op_recv, op_send, op_now, op_random, op_trap, NULL};

void print(const char *s) {
  for (; *s; s++) uart_putc(*s);
}
char *decimal(char *to, uint32_t v) {
  char digits[10];
  int n = 0;
  do digits[n++] = (char)('0' + v % 10);
  while (v /= 10);
  while (n) *to++ = digits[--n];
  return to;
}
void print_number(uint32_t v) {
  char text[11];
  *decimal(text, v) = 0;
  print(text);
}

void print_report(const lastack_report *r) {
  print("report ");
  print_number(r->handle);
  print(" ");
  print(lastack_outcome_name(r->outcome));
  print(", sent ");
  print_number(r->sent);
  print(", acknowledged ");
  print_number(r->acknowledged);
  print(", peer FIN ");
  print_number(r->peer_fin);
  print("\n");
}

/* The unused stack is painted before anything runs on it; what lost its paint was used. */
#define PAINT 0xa5a5a5a5u
#define PAINTED_BYTES 4096u
static uint32_t *paint_low, *paint_high;
static __attribute__((noinline)) void paint(void) {
  paint_high = (uint32_t *)__builtin_frame_address(0) - 16;
  paint_low = paint_high - PAINTED_BYTES / 4;
  for (volatile uint32_t *p = paint_low; p < paint_high; p++) *p = PAINT;
}
uint32_t stack_peak(void) {
  const uint32_t *p = paint_low;
  while (p < paint_high && *p == PAINT) p++;
  return (uint32_t)((const char *)(paint_high + 16) - (const char *)p);
}

uint32_t busy_ticks, busy_segments, graceful_reports, other_reports;
int quiet;
static uint32_t stat(unsigned counter) { return lastack_stat(stack, counter); }
static uint32_t segments(void) { return stat(LASTACK_STAT_TCP_IN_SEGS) + stat(LASTACK_STAT_TCP_OUT_SEGS); }
static uint32_t frames(void) { return stat(LASTACK_STAT_IN_FRAMES) + stat(LASTACK_STAT_OUT_FRAMES); }
/* One poll; whether there was something to do. */
static int poll(void) {
  uint32_t before = segments(), frames_before = frames(), start = board_ticks();
  int next = lastack_poll(stack);
  uint32_t ticks = board_ticks() - start, done = segments() - before;
  if (done) {
    busy_ticks += ticks;
    busy_segments += done;
  }
  return next == 0 || frames() != frames_before;
}
/* The calls that services make want another poll: only the second poll in vain is followed by sleep. */
static void turn(void) {
  static int idle;
  lastack_report report;
  idle = poll() ? 0 : idle + 1;
  services_run();
  while (lastack_report_pull(stack, &report)) {
    if (report.outcome == LASTACK_OUTCOME_GRACEFUL) graceful_reports++;
    else other_reports++;
    if (!quiet) print_report(&report);
  }
  if (idle > 1) board_wait();
}

#ifdef LASTACK_INTERPRETER
void firmware_resume(void) {
  interpreting = 0;
  longjmp(restart, 1);
}
#endif

static void start(void) {
  static const uint8_t mac[6] = {2, 0, 0, 0, 0, 0x77}, address[4] = {10, 77, 0, 2};
  eth_init(mac);
  stack = lastack_open(0, &ops);
  int device = stack ? lastack_device(stack, mac, 1500) : -1;
  if (device < 0 || lastack_address(stack, device, address, 24) < 0 || !services_start(stack)) {
    print("FAILED\n");
    for (;;) continue;
  }
  print("READY ");
  print(board_name);
  print("\n");
}

int main(void) {
  paint();
  board_init();
  setjmp(restart);
#ifdef LASTACK_INTERPRETER
  if (!interpreting) start();
  for (;;) {
    if (!interpreting) turn();
    else board_wait();
    console_run(stack);
  }
#else
  start();
  for (;;) {
    turn();
    console_run(stack);
  }
#endif
}
