/* Start of an ARMv5TE board whose image is loaded into RAM: stack, .bss, main. Interrupts stay off. */
  .section .vectors, "ax"
  .global _start
  .type _start, %function
_start:
  ldr sp, =_estack
  ldr r0, =_sbss
  ldr r1, =_ebss
  mov r2, #0
1:
  cmp r0, r1
  strlo r2, [r0], #4
  blo 1b
  bl main
2:
  b 2b
