/* SMSC LAN91C111, polled (data sheet: chapter 8, registers by bank). SMC_BASE is the board's. */
#include "board.h"

enum { TCR = 0, RCR = 4, CTR = 12, IA0 = 4, COMMAND = 0, PACKET = 2, ALLOCATED = 3, POINTER = 6, DATA = 8, INTERRUPTS = 12, BANK = 14 };
/* Status word, byte count and control word around a frame. */
#define OVERHEAD 6u
#define MORE_DATA 0x2000u
/* Bits of the status word: an odd length; bad CRC, wrong alignment, too long, too short. */
#define ODD 0x1000u
#define BAD 0xac00u

static void bank(int n) { R16(SMC_BASE + BANK) = (uint16_t)n; }

void eth_init(const uint8_t m[6]) {
  bank(0);
  R16(SMC_BASE + RCR) = 0x8000; /* soft reset */
  R16(SMC_BASE + RCR) = 0;
  bank(1);
  for (int i = 0; i < 6; i++) R8(SMC_BASE + IA0 + i) = m[i];
  R16(SMC_BASE + CTR) = R16(SMC_BASE + CTR) | 0x0800; /* sent packets are released */
  bank(2);
  R16(SMC_BASE + COMMAND) = 0x40; /* memory reset */
  bank(0);
  R16(SMC_BASE + TCR) = 0x0081; /* on, pad */
  R16(SMC_BASE + RCR) = 0x0300; /* on, strip the CRC */
}

int eth_ready(void) {
  bank(2);
  return R8(SMC_BASE + INTERRUPTS) & 1;
}
int eth_recv(uint8_t *frame, size_t capacity) {
  bank(2);
  if (!(R8(SMC_BASE + INTERRUPTS) & 1)) return 0;
  R16(SMC_BASE + POINTER) = 0xe000; /* the received packet, reading, counting up */
  uint32_t status = R16(SMC_BASE + DATA), count = R16(SMC_BASE + DATA) & 0x7ff, at = 0;
  uint32_t n = count > OVERHEAD ? count - OVERHEAD : 0;
  if (!(status & BAD) && n + 1 <= capacity) {
    for (; at < n; at += 2) {
      uint32_t v = R16(SMC_BASE + DATA);
      frame[at] = (uint8_t)v;
      frame[at + 1] = (uint8_t)(v >> 8);
    }
    if (status & ODD) frame[at++] = (uint8_t)R16(SMC_BASE + DATA); /* the last byte stands in the control word */
  }
  R16(SMC_BASE + COMMAND) = 0x80; /* forget the packet */
  return (int)at;
}

int eth_send(const uint8_t *frame, size_t length) {
  bank(2);
  R16(SMC_BASE + COMMAND) = 0x20; /* memory for a packet */
  for (int patience = 1000; !(R8(SMC_BASE + INTERRUPTS) & 8);)
    if (!--patience) return 0;
  R8(SMC_BASE + PACKET) = R8(SMC_BASE + ALLOCATED);
  R16(SMC_BASE + POINTER) = 0x4000; /* writing, counting up */
  R16(SMC_BASE + DATA) = 0;
  R16(SMC_BASE + DATA) = (uint16_t)((length & ~1u) + OVERHEAD);
  for (size_t i = 0; i + 1 < length; i += 2) R16(SMC_BASE + DATA) = (uint16_t)(frame[i] | frame[i + 1] << 8);
  R16(SMC_BASE + DATA) = (uint16_t)(length & 1 ? MORE_DATA | frame[length - 1] : 0);
  R16(SMC_BASE + COMMAND) = 0xc0; /* into the queue */
  return (int)length;
}
