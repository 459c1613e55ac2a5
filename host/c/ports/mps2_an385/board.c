/* ARM MPS2 with the AN385 image: Cortex-M3 at 25 MHz, CMSDK UART, LAN9118. */
#define CLOCK_HZ 25000000u
#include "cortex_m.h"

#define UART 0x40004000u
const char board_name[] = "mps2_an385";

#define RECEIVE_IRQ 0
#define ETHERNET_IRQ 13

void board_init(void) {
  R32(UART + 16) = 16;  /* baud rate divisor */
  R32(UART + 8) = 0x0b; /* send, receive, interrupt of received bytes */
  systick_start();
}
void uart_putc(int c) {
  while (R32(UART + 4) & 1) continue;
  R32(UART) = (uint32_t)c;
}
static int received(void) { return (int)(R32(UART + 4) & 2); }
int uart_getc(void) {
  if (!received()) return -1;
  R32(UART + 12) = 2; /* the interrupt of this byte, before the next one can come */
  return (int)(R32(UART) & 0xff);
}
static int ready(void) { return received() || eth_ready(); }
void board_wait(void) { sleep_for(RECEIVE_IRQ, ETHERNET_IRQ, ready); }
