/* Two stacks of one process on a wire of memory, on a clock that only two_pass moves: for programs that show and test. */
#ifndef TWO_ENDS_H
#define TWO_ENDS_H
#include "lastack.h"

extern lastack *two_stacks[2];
extern const uint8_t two_addresses[2][4];
/* Opens both; 0 if that fails. */
int two_open(void);
/* A millisecond passes; both stacks are polled. */
void two_pass(void);
/* Milliseconds passed. */
uint64_t two_now(void);
#endif
