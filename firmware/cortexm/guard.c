/* eq_port_guard of a chip: work runs where it stands, and a fault or SysTick leaves it by going back to where it was called. */
#include "cortexm.h"
#include "registers.h"
#include <stddef.h>

static struct {
    uint32_t *stack; /* of the call; NULL: nothing is guarded */
    uint32_t periods_left;
} volatile guarded;

/* As setjmp and longjmp: registers that a call keeps lie on the stack, eq_guard_back gives them back and returns what r0 holds. */
#define HELD __attribute__((unused)) /* in r0 to r3, says the compiler's convention */
__attribute__((naked, noinline, noclone)) static int call(void (*work)(void *, void *) HELD, void *argument HELD, void *result HELD,
                                                          uint32_t *volatile *stack HELD) {
    __asm volatile("push {r3-r7, lr}\n\t"
                   "mov r4, r8\n\t"
                   "mov r5, r9\n\t"
                   "mov r6, r10\n\t"
                   "mov r7, r11\n\t"
                   "push {r4-r7}\n\t"
#if __ARM_FP
                   "vpush {d8-d15}\n\t"
#endif
                   "mov r4, sp\n\t"
                   "str r4, [r3]\n\t"
                   "mov r4, r0\n\t"
                   "mov r0, r1\n\t"
                   "mov r1, r2\n\t"
                   "blx r4\n\t"
                   "movs r0, #0\n"
                   ".thumb_func\n"
                   "eq_guard_back:\n\t"
#if __ARM_FP
                   "vpop {d8-d15}\n\t"
#endif
                   "pop {r4-r7}\n\t"
                   "mov r8, r4\n\t"
                   "mov r9, r5\n\t"
                   "mov r10, r6\n\t"
                   "mov r11, r7\n\t"
                   "pop {r3-r7, pc}\n\t");
}

int eq_guard_run(void (*work)(void *argument, void *result), void *argument, void *result, uint32_t limit_ms) {
    guarded.periods_left = limit_ms / 10 + 2;
    const int fault = call(work, argument, result, &guarded.stack);
    guarded.stack = NULL;
    return fault;
}

int eq_guard_late(void) {
    if (!guarded.stack) return 0;
    guarded.periods_left--;
    return guarded.periods_left ? 0 : EQ_FAULT_selftest_hung;
}

/* The frame that an exception returns to; NULL where nothing is guarded, and the chip starts anew. */
__attribute__((used)) uint32_t *eq_guard_frame(uint32_t fault) {
    extern void eq_guard_back(void);
    if (!guarded.stack) {
        EQ_AIRCR = EQ_AIRCR_RESET;
        for (;;) eq_barrier();
    }
    uint32_t *frame = guarded.stack - 8; /* r0-r3, r12, lr, pc, xpsr */
    guarded.stack = NULL;
#if __ARM_FP
    EQ_FPCCR &= ~EQ_FPCCR_LSPACT; /* what would be kept of the work's registers is of no use */
#endif
    frame[0] = fault;
    frame[6] = (uint32_t)(uintptr_t)eq_guard_back & ~1u;
    frame[7] = 1u << 24; /* Thumb */
    return frame;
}

/* From a handler whose own stack is empty, with the fault in r0. */
__attribute__((naked, used)) void eq_guard_leave_with(void) {
    __asm volatile("bl eq_guard_frame\n\t"
                   "msr psp, r0\n\t"
                   "movs r0, #2\n\t"
                   "mvns r0, r0\n\t" /* 0xFFFFFFFD: to thread mode, process stack, no floating-point frame */
                   "bx r0\n\t");
}

__attribute__((naked)) void eq_fault_interrupt(void) {
    __asm volatile("movs r0, %0\n\t"
                   "bl eq_guard_leave_with\n\t" /* which does not come back; bl reaches further than b */ ::"i"(EQ_FAULT_selftest_crashed));
}

#ifdef EQ_BOARD_NMI
/* One that the board does not know is a fault. */
__attribute__((naked)) void eq_nmi_interrupt(void) {
    __asm volatile("push {r4, lr}\n\t"
                   "bl eq_board_nmi\n\t"
                   "cmp r0, #0\n\t"
                   "bne 1f\n\t"
                   "pop {r1, r2}\n\t"
                   "ldr r0, =eq_fault_interrupt\n\t"
                   "bx r0\n"
                   "1: pop {r4, pc}\n\t"
                   ".ltorg");
}
#endif
