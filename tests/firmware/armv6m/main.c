/* Work that ends in every way there is, on the start code and the guard of every Cortex-M; says what each call gave, by semihosting. */
#include "cortexm.h"
#include "registers.h"
#include <string.h>

static uint8_t copied[] = {1, 2, 3, 4}; /* .data */
static uint32_t cleared[4];             /* .bss */
static volatile int nmis, passes;

int eq_board_nmi(void) {
    nmis++;
    return passes;
}
void eq_board_receive_interrupt(void) {}

static void semihosting(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt #0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static void say(const char *name, int value) {
    char text[32];
    size_t n = strlen(name);
    memcpy(text, name, n);
    text[n++] = ' ';
    if (value >= 10) text[n++] = (char)('0' + value / 10);
    text[n++] = (char)('0' + value % 10);
    text[n++] = '\n';
    text[n] = 0;
    semihosting(4, text);
}

static void reads_nothing(void *argument, void *result) {
    (void)argument;
    *(uint32_t *)result = EQ_REGISTER(0x60000000u);
}
static void reads_askew(void *argument, void *result) {
    (void)result;
    *(volatile uint32_t *)argument = *(volatile uint32_t *)(void *)((uint8_t *)argument + 1);
}
static void is_no_instruction(void *argument, void *result) {
    (void)argument, (void)result;
    __asm volatile("udf #1");
}
static void never_ends(void *argument, void *result) {
    (void)argument, (void)result;
    for (;;) __asm volatile("");
}
static void raises_nmi(void *argument, void *result) {
    (void)argument;
    EQ_ICSR = 1u << 31; /* NMIPENDSET */
    eq_barrier();
    *(uint32_t *)result = 7;
}
static void returns(void *argument, void *result) { *(uint32_t *)result = *(const uint32_t *)argument + 1; }

int main(void) {
    uint32_t argument[2] = {41, 0}, result = 0;
    say("data", copied[0] + copied[3] + (int)cleared[0] + (int)cleared[3]);
    eq_time_start();
    say("nothing", eq_guard_run(reads_nothing, argument, &result, 1000));
    say("askew", eq_guard_run(reads_askew, argument, &result, 1000));
    say("instruction", eq_guard_run(is_no_instruction, argument, &result, 1000));
    const uint64_t before = eq_port_time_ns();
    say("endless", eq_guard_run(never_ends, argument, &result, 100));
    const uint32_t took = (uint32_t)((eq_port_time_ns() - before) >> 20);
    say("in time", took >= 95 && took < 130);
    say("nmi", eq_guard_run(raises_nmi, argument, &result, 1000));
    passes = 1;
    say("passed nmi", eq_guard_run(raises_nmi, argument, &result, 1000));
    say("went on", (int)result);
    argument[0] = 41;
    say("returns", eq_guard_run(returns, argument, &result, 1000));
    say("result", (int)result);
    say("nmis", nmis);
    semihosting(0x18, (const void *)0x20026u);
    return 0;
}
