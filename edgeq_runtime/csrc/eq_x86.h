/* What an x86-64 CPU says of itself (CPUID), and whether the system saves the registers that an instruction set needs (XCR0): a set that
 * the CPU has and the system does not save must not be used. Asked without the compiler's library, which differs between gcc, clang
 * and zig. */
#ifndef EQ_X86_H
#define EQ_X86_H
#include <cpuid.h>
#include <stdint.h>

/* The registers of the leaves of CPUID that are asked for; ymm and zmm: 1 where the system saves those registers. */
struct eq_x86 {
    uint32_t ecx_1, ebx_7, ecx_7, eax_7_1, ymm, zmm;
};

/* Features under the names that /proc/cpuinfo has for them; `cpu` is what eq_x86_read gave. */
#define EQ_X86_ssse3            (cpu.ecx_1 >> 9 & 1)
#define EQ_X86_sse4_1           (cpu.ecx_1 >> 19 & 1)
#define EQ_X86_sha_ni           (cpu.ebx_7 >> 29 & 1)
#define EQ_X86_fma              (cpu.ecx_1 >> 12 & cpu.ymm)
#define EQ_X86_avx2             (cpu.ebx_7 >> 5 & cpu.ymm)
#define EQ_X86_bmi2             (cpu.ebx_7 >> 8 & 1)
#define EQ_X86_avx512f          (cpu.ebx_7 >> 16 & cpu.zmm)
#define EQ_X86_avx512dq         (cpu.ebx_7 >> 17 & cpu.zmm)
#define EQ_X86_avx512bw         (cpu.ebx_7 >> 30 & cpu.zmm)
#define EQ_X86_avx512vl         (cpu.ebx_7 >> 31 & cpu.zmm)
#define EQ_X86_avx512_vnni      (cpu.ecx_7 >> 11 & cpu.zmm)
#define EQ_X86_avx512_vpopcntdq (cpu.ecx_7 >> 14 & cpu.zmm)
#define EQ_X86_avx_vnni         (cpu.eax_7_1 >> 4 & cpu.ymm)

static inline struct eq_x86 eq_x86_read(void) {
    enum { OSXSAVE = 1 << 27, SAVES_YMM = 0x06, SAVES_ZMM = 0xe6 }; /* xmm, ymm; and mask registers, both parts of zmm */
    struct eq_x86 cpu = {0};
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return cpu;
    cpu.ecx_1 = c;
    if (c & OSXSAVE) {
        uint32_t saved, high;
        __asm__ volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
        cpu.ymm = (saved & SAVES_YMM) == SAVES_YMM;
        cpu.zmm = (saved & SAVES_ZMM) == SAVES_ZMM;
    }
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return cpu;
    cpu.ebx_7 = b;
    cpu.ecx_7 = c;
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) cpu.eax_7_1 = a;
    return cpu;
}
#endif
