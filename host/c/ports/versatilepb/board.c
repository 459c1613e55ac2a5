/* ARM Versatile PB: ARM926EJ-S, PL011, LAN91C111. */
#define CLOCK_HZ 24000000u
#include "arm.h"

#define UART 0x101f1000u
#define CONTROLLER 0x10140000u
#define RECEIVE_IRQ 12
const char board_name[] = "versatilepb";

void board_init(void) {
  R32(UART + 0x30) = 0x301; /* on, send, receive */
  R32(UART + 0x38) = 0x10;  /* interrupt of received bytes */
}
void uart_putc(int c) {
  while (R32(UART + 0x18) & 0x20) continue;
  R32(UART) = (uint32_t)c;
}
int uart_getc(void) { return R32(UART + 0x18) & 0x10 ? -1 : (int)(R32(UART) & 0xff); }
void uart_wait(void) {
  R32(CONTROLLER + 0x10) = 1u << RECEIVE_IRQ;
  sleep_until_interrupt();
}
uint32_t board_ticks(void) { return R32(0x1000005c); }
