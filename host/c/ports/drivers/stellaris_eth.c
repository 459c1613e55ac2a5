/* The Ethernet controller of the Stellaris LM3S family, polled. Its FIFO holds a length and the frame, in words. */
#include <string.h>
#include "board.h"

#define MAC 0x40048000u
enum { IACK = 0x00, IM = 0x04, RCTL = 0x08, TCTL = 0x0c, DATA = 0x10, IA0 = 0x14, IA1 = 0x18, NP = 0x34, TR = 0x38 };
#define LENGTH_AND_CRC 6u

void eth_init(const uint8_t m[6]) {
  R32(MAC + IM) = 1; /* a received frame wakes the processor */
  R32(MAC + IA0) = m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 | (uint32_t)m[3] << 24;
  R32(MAC + IA1) = m[4] | (uint32_t)m[5] << 8;
  R32(MAC + RCTL) = 0x10 | 8; /* clear the FIFO */
  R32(MAC + RCTL) = 1 | 8;
  R32(MAC + TCTL) = 1 | 2 | 4; /* on, pad, CRC */
}

int eth_ready(void) {
  R32(MAC + IACK) = 1;
  return (R32(MAC + NP) & 0x3f) != 0;
}
int eth_recv(uint8_t *frame, size_t capacity) {
  if (!(R32(MAC + NP) & 0x3f)) return 0;
  uint32_t word = R32(MAC + DATA), total = word & 0xffff, at = 0;
  uint32_t n = total > LENGTH_AND_CRC ? total - LENGTH_AND_CRC : 0;
  if (n > capacity) n = (uint32_t)capacity;
  for (uint32_t k = 2; k < 4; k++)
    if (at < n) frame[at++] = (uint8_t)(word >> 8 * k);
  uint32_t read = 4;
  for (; at + 4 <= n; at += 4, read += 4) {
    word = R32(MAC + DATA);
    memcpy(frame + at, &word, 4);
  }
  for (; read < total; read += 4) {
    word = R32(MAC + DATA);
    for (uint32_t k = 0; k < 4; k++)
      if (at < n) frame[at++] = (uint8_t)(word >> 8 * k);
  }
  return (int)at;
}

int eth_send(const uint8_t *frame, size_t length) {
  if (R32(MAC + TR) & 1) return 0;
  R32(MAC + DATA) = (uint32_t)(length - 14) | (uint32_t)frame[0] << 16 | (uint32_t)frame[1] << 24;
  for (size_t i = 2; i < length; i += 4) {
    uint32_t word = 0;
    if (i + 4 <= length) memcpy(&word, frame + i, 4);
    else memcpy(&word, frame + i, length - i);
    R32(MAC + DATA) = word;
  }
  R32(MAC + TR) = 1;
  return (int)length;
}
