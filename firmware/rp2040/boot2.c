/* The second stage: the boot ROM copies the first 256 bytes of the flash to the RAM, compares their checksum, which the build puts behind
 * them, and runs them (RP2040 datasheet section 2.8.1.3). They make the flash readable and start what lies there. No call and no constant
 * outside of them: they run at another address than the one they are linked for. */
#include "registers.h"
#include "xip.h"

#define VTOR EQ_REGISTER(0xE000ED08u)

__attribute__((section(".boot2"), used, noreturn)) void eq_boot2(void) {
    const uint32_t vectors = 0x10000100u;
    eq_xip_start();
    VTOR = vectors;
    __asm volatile("ldr r1, [%0]\n\t"
                   "msr msp, r1\n\t"
                   "ldr r1, [%0, #4]\n\t"
                   "bx r1" ::"l"(vectors)
                   : "r1", "memory");
    __builtin_unreachable();
}
