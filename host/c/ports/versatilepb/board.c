/* ARM Versatile PB: ARM926EJ-S, PL011, LAN91C111. */
#define CLOCK_HZ 24000000u
#include "arm.h"

#define UART 0x101f1000u
const char board_name[] = "versatilepb";

void board_init(void) {
  R32(UART + 0x30) = 0x301; /* on, send, receive */
}
void uart_putc(int c) {
  while (R32(UART + 0x18) & 0x20) continue;
  R32(UART) = (uint32_t)c;
}
int uart_getc(void) { return R32(UART + 0x18) & 0x10 ? -1 : (int)(R32(UART) & 0xff); }
uint32_t board_ticks(void) { return R32(0x1000005c); }
