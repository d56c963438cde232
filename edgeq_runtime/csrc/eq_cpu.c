#include "eq_internal.h"

#if defined(__x86_64__)
#include <cpuid.h>
/* A bit of eax of leaf 7, subleaf 1, for what older compilers have no name of. */
static int leaf_7_1_eax(int bit) {
    unsigned a = 0, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> bit & 1);
}
#define EQ_X86(feature)     __builtin_cpu_supports(feature)
#define EQ_X86_7_1_EAX(bit) leaf_7_1_eax(bit)
#else
#define EQ_X86(feature)     0
#define EQ_X86_7_1_EAX(bit) 0
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#define EQ_HWCAP(bit) ((getauxval(AT_HWCAP) & (bit)) != 0)
#else
#define EQ_HWCAP(bit) 0
#endif

uint32_t eq_cpu_isas(void) {
    uint32_t isas = 0;
#define EQ_ISA(name, arch, check, flags) isas |= (uint32_t)(EQ_ON_##name && (check)) << EQ_ISA_##name;
#include "isa.def"
#undef EQ_ISA
    return isas;
}

const char *eq_isa_name(unsigned isa) {
    static const char *const names[] = {
#define EQ_ISA(name, arch, check, flags) #name,
#include "isa.def"
#undef EQ_ISA
    };
    return isa < EQ_ISA_COUNT ? names[isa] : NULL;
}
