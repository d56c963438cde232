/* The memory of the self-test's operands, with what may not be read behind it: a region of the MPU where there is an Armv7-M one. */
#include "selftest/selftest.h"

#define MPU ((volatile uint32_t *)0xe000ed90) /* type, control, number, base, attributes and size */
enum { TYPE, CONTROL, NUMBER, BASE, SIZE, BYTES = 32, GUARDS = 5, ON_WITH_BACKGROUND = 5, VALID = 16, NO_ACCESS = 1 << 28 | 4 << 1 | 1 };

struct guarded {
    uint8_t room[ROOM], guard[BYTES];
};
static _Alignas(BYTES) struct guarded memory[GUARDS];

uint8_t *guarded(void) {
    static uint32_t used;
    uint8_t *end = memory[used].guard;
#if __ARM_ARCH == 7
    MPU[BASE] = (uint32_t)end | VALID | used;
    MPU[SIZE] = NO_ACCESS;
    MPU[CONTROL] = ON_WITH_BACKGROUND;
    __asm volatile("dsb\n\tisb" ::: "memory");
#endif
    used++;
    return end;
}
