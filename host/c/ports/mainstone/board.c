/* Intel Mainstone, a reference board of Windows CE: PXA270, its full-function UART (16550 with a stride of 4), LAN91C111. */
#define CLOCK_HZ 3250000u
#include "arm.h"

#define UART 0x40100000u
const char board_name[] = "mainstone";

void board_init(void) {
  R32(UART + 4) = 0x40; /* on */
  R32(UART + 12) = 3;   /* eight bits */
}
void uart_putc(int c) {
  while (!(R32(UART + 0x14) & 0x20)) continue;
  R32(UART) = (uint32_t)c;
}
int uart_getc(void) { return R32(UART + 0x14) & 1 ? (int)(R32(UART) & 0xff) : -1; }
/* OSCR. */
uint32_t board_ticks(void) { return R32(0x40a00010); }
