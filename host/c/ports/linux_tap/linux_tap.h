/* A stack on a TAP device of Linux. */
#ifndef LASTACK_LINUX_TAP_H
#define LASTACK_LINUX_TAP_H
#include "lastack.h"

/*
 * Opens stack `number` on the TAP device of that name, which is there or is made (then it must be brought up). The address is the
 * stack's own, not the kernel's. Exits with a message on stderr if anything fails.
 */
lastack *linux_tap_open(unsigned number, const char *device, const uint8_t mac[6], const uint8_t address[4], unsigned prefix);
#endif
