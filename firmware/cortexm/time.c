/* Time from SysTick: 24 bits that count down, extended by its interrupt. */
#include "cortexm.h"
#include "registers.h"

enum { PER_SECOND = 100, SHIFT = 20 };
#define PERIOD (EQ_BOARD_HZ / PER_SECOND) /* clock cycles between two interrupts */
_Static_assert(EQ_BOARD_HZ % 1000 == 0 && PERIOD <= 1u << 24, "SysTick cannot count EQ_BOARD_HZ");

static volatile uint32_t periods_low, periods_high;

void eq_time_start(void) {
    EQ_SYST_RVR = PERIOD - 1;
    EQ_SYST_CVR = 0;
    EQ_SYST_CSR = EQ_SYST_ON;
}

__attribute__((used)) int eq_time_period(void) {
    if (++periods_low == 0) periods_high++;
    return eq_guard_late();
}

/* Cycles in *part and whole periods before them: a wrap whose interrupt waits counts already. */
static uint64_t periods(uint32_t *part) {
    eq_interrupts_off();
    uint32_t value = EQ_SYST_CVR, low = periods_low, high = periods_high;
    if (EQ_ICSR & EQ_ICSR_SYST) {
        value = EQ_SYST_CVR; /* after the wrap, that is */
        if (++low == 0) high++;
    }
    eq_interrupts_on();
    *part = PERIOD - 1 - value;
    return (uint64_t)high << 32 | low;
}

uint64_t eq_port_ticks(void) {
    uint32_t part;
    const uint64_t whole = periods(&part);
    return whole * PERIOD + part;
}

/* Without a division, which takes hundreds of instructions here. */
uint64_t eq_port_time_ns(void) {
    uint32_t part;
    const uint64_t whole = periods(&part);
    return whole * (1000000000u / PER_SECOND) +
           ((uint64_t)part * (uint32_t)(((1000000000ull << SHIFT) + EQ_BOARD_HZ / 2) / EQ_BOARD_HZ) >> SHIFT);
}

uint32_t eq_port_time_ms(void) {
    uint32_t part;
    const uint32_t whole = (uint32_t)periods(&part);
    return whole * (1000 / PER_SECOND) + part / (EQ_BOARD_HZ / 1000);
}

uint64_t eq_port_cpu_ns(void) { return eq_port_time_ns(); }

/* SysTick's interrupt comes on the process stack's behalf alone: no other handler has a lower priority. */
__attribute__((naked)) void eq_systick_interrupt(void) {
    __asm volatile("push {r4, lr}\n\t"
                   "bl eq_time_period\n\t"
                   "cmp r0, #0\n\t"
                   "bne 1f\n\t"
                   "pop {r4, pc}\n"
                   "1: pop {r1, r2}\n\t"
                   "ldr r1, =eq_guard_leave_with\n\t"
                   "bx r1\n\t"
                   ".ltorg");
}
