/* Stellaris LM3S6965 evaluation board: Cortex-M3 at 12.5 MHz as reset leaves it, 256 KiB flash, 64 KiB SRAM, PL011, MAC on the chip. */
#define CLOCK_HZ 12500000u
#include "cortex_m.h"

#define UART 0x4000c000u
const char board_name[] = "lm3s6965evb";

#define RECEIVE_IRQ 5
#define ETHERNET_IRQ 42

void board_init(void) {
  R32(UART + 0x2c) = 0x70;  /* eight bits, FIFOs */
  R32(UART + 0x30) = 0x301; /* on, send, receive */
  R32(UART + 0x38) = 0x50;  /* interrupt of received bytes, and of those that wait in the FIFO */
  systick_start();
}
void uart_putc(int c) {
  while (R32(UART + 0x18) & 0x20) continue;
  R32(UART) = (uint32_t)c;
}
static int received(void) { return !(R32(UART + 0x18) & 0x10); }
int uart_getc(void) { return received() ? (int)(R32(UART) & 0xff) : -1; }
static int ready(void) { return received() || eth_ready(); }
void board_wait(void) { sleep_for(RECEIVE_IRQ, ETHERNET_IRQ, ready); }
