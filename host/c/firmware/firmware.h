/* What the files of the example firmware know of each other. */
#ifndef FIRMWARE_H
#define FIRMWARE_H
#include "lastack.h"

void print(const char *text);
void print_number(uint32_t v);
/* Writes v's digits; returns the place behind them. */
char *decimal(char *to, uint32_t v);
void print_report(const lastack_report *report);
/* Bytes of stack used at most so far. */
uint32_t stack_peak(void);

/* Time spent in polls that had segments to do with, in ticks of the board's clock, and those segments, in and out. */
extern uint32_t busy_ticks, busy_segments;
/* Close reports by outcome. */
extern uint32_t graceful_reports, other_reports;
/* They are not printed. */
extern int quiet;

#ifdef LASTACK_INTERPRETER
/* The test firmware (interpreter.c): obeys a line, 1 if it is one of its own. While interpreting, clock and frames are the test's. */
extern int interpreting;
int interpreter_line(lastack *stack, char *line);
uint64_t interpreter_now(void);
int interpreter_recv(uint8_t *frame, size_t capacity);
int interpreter_send(const uint8_t *frame, size_t length);
/* Ends interpreting and opens the stack and its services anew. */
void firmware_resume(void);
#endif

/* Opens the listeners: 1, or 0 if the stack refuses. */
int services_start(lastack *stack);
void services_run(void);
/* Starts the six steps as client: 1, or 0 if no socket is free or the stack refuses. */
int client_start(const uint8_t address[4], uint16_t port);
/* Reads the UART and obeys full lines. */
void console_run(lastack *stack);
#endif
