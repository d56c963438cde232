/* From reset to main: vector table, stacks, memory. The agent runs on the process stack, at the bottom of the RAM, so that an overflow is
 * a fault that finds the handlers' own stack sound. */
#include "cortexm.h"
#include "registers.h"
#include <string.h>

int main(void);
extern uint32_t eq_handler_stack_top[], eq_data_from[], eq_data_start[], eq_data_end[], eq_bss_start[], eq_bss_end[];

typedef void vector(void);
#ifdef EQ_BOARD_NMI
#define NMI eq_nmi_interrupt
#else
#define NMI eq_fault_interrupt
#endif

__attribute__((section(".vectors"), used)) static vector *const vectors[16 + EQ_BOARD_INTERRUPTS] = {
    (vector *)(void *)eq_handler_stack_top,
    eq_reset,
    [2] = NMI,
    [3 ... 14] = eq_fault_interrupt, /* nothing of this firmware raises the others */
    [15] = eq_systick_interrupt,
    [16 ... 15 + EQ_BOARD_INTERRUPTS] = eq_board_receive_interrupt, /* no other is enabled */
};

__attribute__((noinline, used, noreturn)) static void on_process_stack(void) {
#if __ARM_FP
    EQ_CPACR |= EQ_CPACR_FPU;
    eq_barrier();
#endif
    memcpy(eq_data_start, eq_data_from, (size_t)((uint8_t *)eq_data_end - (uint8_t *)eq_data_start));
    memset(eq_bss_start, 0, (size_t)((uint8_t *)eq_bss_end - (uint8_t *)eq_bss_start));
    (void)main();
    EQ_AIRCR = EQ_AIRCR_RESET;
    for (;;) eq_barrier();
}

__attribute__((naked)) void eq_reset(void) {
    __asm volatile("ldr r0, =eq_stack_top\n\t"
                   "msr psp, r0\n\t"
#if __ARM_ARCH >= 8
                   "ldr r0, =eq_stack_bottom\n\t"
                   "msr psplim, r0\n\t"
#endif
                   "movs r0, #2\n\t" /* SPSEL */
                   "msr control, r0\n\t"
                   "isb\n\t"
                   "bl on_process_stack\n\t"
                   ".ltorg");
}
