#include "eq_internal.h"
#include "hash/sha256.h"

#if defined(__x86_64__)
#include "eq_x86.h"
#define EQ_X86(feature) EQ_X86_##feature
#else
#define EQ_X86(feature) 0
#endif
#if (defined(__aarch64__) || defined(__arm__)) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#ifndef HWCAP2_I8MM /* headers of before Linux 5.7 */
#define HWCAP2_I8MM (1 << 13)
#endif
#define EQ_HWCAP(bit)  ((getauxval(AT_HWCAP) & (bit)) != 0)
#define EQ_HWCAP2(bit) ((getauxval(AT_HWCAP2) & (bit)) != 0)
#else
#define EQ_HWCAP(bit)  0
#define EQ_HWCAP2(bit) 0
#endif

uint32_t eq_cpu_isas(void) {
    uint32_t isas = 0;
#if defined(__x86_64__)
    const struct eq_x86 cpu = eq_x86_read();
#endif
#define EQ_ISA(name, arch, check, flags) EQ_CAT(EQ_WHEN_, EQ_ON_##name)(isas |= (uint32_t)(check) << EQ_ISA_##name;)
#include "isa.def"
#undef EQ_ISA
    return isas;
}

eq_sha256_blocks *eq_sha256_select(void) {
#if defined(__x86_64__)
    const struct eq_x86 cpu = eq_x86_read();
#endif
#define EQ_TRY_0(check, blocks)
#define EQ_TRY_1(check, blocks)                                                                                                            \
    if (check) return blocks;
#define EQ_SHA256(name, arch, check, flags) EQ_CAT(EQ_TRY_, EQ_ON_##name)(check, eq_sha256__##name)
#include "sha256.def"
#undef EQ_SHA256
    return eq_sha256__portable;
}

const char *eq_isa_name(unsigned isa) {
    static const char *const names[] = {
#define EQ_ISA(name, arch, check, flags) #name,
#include "isa.def"
#undef EQ_ISA
    };
    return isa < EQ_ISA_COUNT ? names[isa] : NULL;
}
