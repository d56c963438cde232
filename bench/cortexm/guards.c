/* The memory of the self-test's operands, with what may not be read behind it: regions of the MPU. */
#include "selftest/selftest.h"

#define MPU ((volatile uint32_t *)0xe000ed90) /* type, control, number, base, attributes and size, or end */
enum { TYPE, CONTROL, NUMBER, BASE, SIZE, KINDS = 12, BYTES = 32, GUARDS = 5, ON_WITH_BACKGROUND = 5 };

struct guarded {
    uint8_t room[ROOM], guard[BYTES];
};
static _Alignas(BYTES) struct guarded memory[GUARDS];

#if __ARM_ARCH == 7
static void forbid(const uint8_t *guard, uint32_t region) {
    enum { VALID = 16, NO_ACCESS = 1 << 28 | 4 << 1 | 1 };
    MPU[BASE] = (uint32_t)guard | VALID | region;
    MPU[SIZE] = NO_ACCESS;
}
#else
static void set(uint32_t region, const uint8_t *first, const uint8_t *last) {
    enum { WRITABLE = 1 << 1, ENABLED = 1 };
    MPU[NUMBER] = region;
    MPU[BASE] = (uint32_t)first | WRITABLE;
    MPU[SIZE] = (uint32_t)last / BYTES * BYTES | ENABLED;
}

/* Armv8-M forbids nobody to read, but two regions in one place. */
static void forbid(const uint8_t *guard, uint32_t region) {
    MPU[KINDS] = 0x44; /* memory without a cache */
    set(0, memory[0].room, memory[GUARDS - 1].guard + BYTES - 1);
    set(region + 1, guard, guard + BYTES - 1);
}
#endif

uint8_t *guarded(void) {
    static uint32_t used;
    uint8_t *end = memory[used].guard;
    if (MPU[TYPE]) {
        forbid(end, used);
        MPU[CONTROL] = ON_WITH_BACKGROUND;
        __asm volatile("dsb\n\tisb" ::: "memory");
    }
    used++;
    return end;
}
