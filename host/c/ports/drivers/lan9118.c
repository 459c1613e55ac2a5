/* SMSC LAN9118, polled (data sheet: register map of chapter 5). LAN_BASE is the board's. */
#include <string.h>
#include "board.h"

#ifndef LAN_BASE
#define LAN_BASE 0x40200000u
#endif
enum { RX_DATA = 0x00, TX_DATA = 0x20, RX_STATUS = 0x40, TX_STATUS = 0x48, IRQ_CFG = 0x54, INT_STATUS = 0x58, INT_EN = 0x5c, RX_CFG = 0x6c, TX_CFG = 0x70,
       HW_CFG = 0x74, RX_INFO = 0x7c, TX_INFO = 0x80, MAC_COMMAND = 0xa4, MAC_DATA = 0xa8 };
/* Two command words and the padding of the last one. */
#define TX_OVERHEAD 16u
#define CRC 4u
/* The interrupt that wakes the processor. */
#define FRAME_RECEIVED 8u

static void mac_write(uint32_t index, uint32_t value) {
  R32(LAN_BASE + MAC_DATA) = value;
  R32(LAN_BASE + MAC_COMMAND) = 0x80000000u | index;
  while (R32(LAN_BASE + MAC_COMMAND) & 0x80000000u) continue;
}

void eth_init(const uint8_t m[6]) {
  R32(LAN_BASE + HW_CFG) = 1; /* soft reset */
  while (R32(LAN_BASE + HW_CFG) & 1) continue;
  R32(LAN_BASE + HW_CFG) = 0x00050000; /* 5 KiB of the memory to sending */
  R32(LAN_BASE + IRQ_CFG) = 0x111; /* on, active high, driven */
  R32(LAN_BASE + INT_EN) = FRAME_RECEIVED;
  mac_write(3, m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 | (uint32_t)m[3] << 24);
  mac_write(2, m[4] | (uint32_t)m[5] << 8);
  mac_write(1, 0x0c); /* receive, send */
  R32(LAN_BASE + TX_CFG) = 2;
  R32(LAN_BASE + RX_CFG) = 0;
}

int eth_ready(void) {
  R32(LAN_BASE + INT_STATUS) = FRAME_RECEIVED;
  return (R32(LAN_BASE + RX_INFO) >> 16 & 0xff) != 0;
}
int eth_recv(uint8_t *frame, size_t capacity) {
  if (!(R32(LAN_BASE + RX_INFO) >> 16 & 0xff)) return 0;
  uint32_t status = R32(LAN_BASE + RX_STATUS), total = status >> 16 & 0x3fff, at = 0;
  uint32_t n = total > CRC ? total - CRC : 0;
  if (n > capacity) n = (uint32_t)capacity;
  uint32_t words = (total + 3) / 4;
  for (; at + 4 <= n; at += 4, words--) {
    uint32_t word = R32(LAN_BASE + RX_DATA);
    memcpy(frame + at, &word, 4);
  }
  for (; words; words--) {
    uint32_t word = R32(LAN_BASE + RX_DATA);
    for (uint32_t k = 0; k < 4; k++, word >>= 8)
      if (at < n) frame[at++] = (uint8_t)word;
  }
  return status & 0x8000 ? 0 : (int)at;
}

int eth_send(const uint8_t *frame, size_t length) {
  if ((R32(LAN_BASE + TX_INFO) & 0xffff) < length + TX_OVERHEAD) return 0;
  R32(LAN_BASE + TX_DATA) = 0x3000u | (uint32_t)length; /* first and last piece */
  R32(LAN_BASE + TX_DATA) = (uint32_t)length << 16 | (uint32_t)length;
  for (size_t i = 0; i < length; i += 4) {
    uint32_t word = 0;
    if (i + 4 <= length) memcpy(&word, frame + i, 4);
    else memcpy(&word, frame + i, length - i);
    R32(LAN_BASE + TX_DATA) = word;
  }
  if (R32(LAN_BASE + TX_INFO) >> 16 & 0xff) (void)R32(LAN_BASE + TX_STATUS);
  return (int)length;
}
