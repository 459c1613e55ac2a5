/* What a board gives the firmware. */
#ifndef LASTACK_BOARD_H
#define LASTACK_BOARD_H
#include <stddef.h>
#include <stdint.h>

extern const char board_name[];
/* Serial port and clock; interrupts but the clock's stay off. */
void board_init(void);
void uart_putc(int c);
/* A byte received, or -1. */
int uart_getc(void);
/* Sleeps until there is a byte or a frame, a millisecond passes, or for less. */
void board_wait(void);
uint64_t board_ms(void);
/* The finest clock there is, board_hz times a second, modulo 2^32. */
uint32_t board_ticks(void);
extern const uint32_t board_hz;

/* The Ethernet controller, polled (docs/devices.md). The contract of frames is that of lastack_ops. */
void eth_init(const uint8_t mac[6]);
/* Whether eth_recv would have something. */
int eth_ready(void);
int eth_recv(uint8_t *frame, size_t capacity);
int eth_send(const uint8_t *frame, size_t length);

#define R32(a) (*(volatile uint32_t *)(a))
#define R16(a) (*(volatile uint16_t *)(a))
#define R8(a) (*(volatile uint8_t *)(a))
#endif
