/* Every kernel that this CPU runs, one after the other; exit code 1 where one is not equal to the portable one. */
#include "check.h"
#include "selftest.h"

int main(void) {
    int failed = 0;
    const uint32_t here = eq_cpu_isas();
    for (size_t i = 0; i < eq_kernel_count; i++) {
        const char *name = eq_kernel_name(&eq_kernels[i]), *isa = eq_isa_name(eq_kernels[i].isa);
        uint32_t count = 0;
        if (!eq_kernels[i].run) continue;
        if (!(here >> eq_kernels[i].isa & 1)) printf("skip %s__%s not on this cpu\n", name, isa);
        else if (eq_kernel_check(i, &count)) failed++;
        else printf("ok   %s__%s %lu cases\n", name, isa, (unsigned long)count);
    }
    return failed != 0;
}
