/* Clock of an ARMv5TE board, from its free-running counter of CLOCK_HZ. Included once, by the board's file. */
#include "board.h"

const uint32_t board_hz = CLOCK_HZ;
/* Counter ticks become milliseconds by counting, not by dividing 64 bits. Called at least every 2^31 ticks. */
uint64_t board_ms(void) {
  static uint32_t last, rest;
  static uint64_t ms;
  uint32_t ticks = board_ticks();
  rest += (ticks - last) % (CLOCK_HZ / 1000);
  ms += (ticks - last) / (CLOCK_HZ / 1000);
  last = ticks;
  if (rest >= CLOCK_HZ / 1000) {
    rest -= CLOCK_HZ / 1000;
    ms++;
  }
  return ms;
}
/* The clock has no interrupt here: the loop goes round. */
void board_wait(void) {}
