/* Start and clock of a Cortex-M3: vectors, .data and .bss, SysTick at 1 kHz. Included once, by the board's file; CLOCK_HZ is its own. */
#include "board.h"

extern uint32_t _sidata, _sdata, _edata, _sbss, _ebss, _estack;
int main(void);

static volatile uint32_t ticks;
static void systick(void) { ticks++; }
void reset(void) {
  for (uint32_t *from = &_sidata, *to = &_sdata; to < &_edata;) *to++ = *from++;
  for (uint32_t *to = &_sbss; to < &_ebss;) *to++ = 0;
  main();
  for (;;) continue;
}
/* A processor fault: says where (the pc that exception entry stacked) and stops. */
__attribute__((used)) static void fault_at(const uint32_t *frame) {
  for (const char *s = "FAULT "; *s; s++) uart_putc(*s);
  for (int shift = 28; shift >= 0; shift -= 4) uart_putc("0123456789abcdef"[frame[6] >> shift & 15]);
  uart_putc('\n');
  for (;;) continue;
}
__attribute__((naked)) static void fault(void) { __asm__ volatile("mrs r0, msp\n b fault_at"); }
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
  &_estack, reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, systick};

/* Interrupts that wake and stay masked otherwise: set and cleared one by one, pending ones forgotten before `ready` is asked. */
static void interrupt(uint32_t set_or_clear, unsigned irq) { R32(0xe000e000 + set_or_clear + irq / 32 * 4) = 1u << irq % 32; }
static void sleep_for(unsigned serial, unsigned ethernet, int (*ready)(void)) {
  __asm__ volatile("cpsid i" ::: "memory");
  interrupt(0x100, serial);
  interrupt(0x100, ethernet);
  interrupt(0x280, serial);
  interrupt(0x280, ethernet);
  if (!ready()) __asm__ volatile("wfi" ::: "memory");
  interrupt(0x180, serial);
  interrupt(0x180, ethernet);
  __asm__ volatile("cpsie i" ::: "memory");
}

static void systick_start(void) {
  R32(0xe000e014) = CLOCK_HZ / 1000 - 1;
  R32(0xe000e018) = 0;
  R32(0xe000e010) = 7; /* processor clock, interrupt, on */
}
uint64_t board_ms(void) { return ticks; }
const uint32_t board_hz = CLOCK_HZ;
uint32_t board_ticks(void) {
  uint32_t ms, left, pending;
  do {
    ms = ticks;
    left = R32(0xe000e018);
    pending = R32(0xe000ed04) & 1u << 26;
  } while (ms != ticks);
  if (pending) { /* begun again, but not counted yet */
    ms++;
    left = R32(0xe000e018);
  }
  return ms * (CLOCK_HZ / 1000) + (CLOCK_HZ / 1000 - 1 - left);
}
