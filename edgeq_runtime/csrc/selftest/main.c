/* Every kernel that this CPU runs, or those named as arguments, one after the other; exit code 1 where one is not equal to the portable
 * one, 2 where there is none of a name. */
#include "check.h"
#include "selftest.h"

/* 1: not equal. */
static int check(size_t index) {
    uint32_t count = 0;
    const char *name = eq_kernel_name(&eq_kernels[index]), *isa = eq_isa_name(eq_kernels[index].isa);
    if (!(eq_cpu_isas() >> eq_kernels[index].isa & 1)) printf("skip %s__%s not on this cpu\n", name, isa);
    else if (eq_kernel_check(index, &count)) return 1;
    else printf("ok   %s__%s %lu cases\n", name, isa, (unsigned long)count);
    return 0;
}

static int is_named(size_t index, const char *wanted) {
    char name[64];
    snprintf(name, sizeof name, "%s__%s", eq_kernel_name(&eq_kernels[index]), eq_isa_name(eq_kernels[index].isa));
    return strcmp(name, wanted) == 0;
}

int main(int argc, char **argv) {
    int failed = 0, found = 0;
    for (size_t i = 0; i < eq_kernel_count; i++) {
        int wanted = argc < 2;
        for (int a = 1; a < argc; a++) wanted |= is_named(i, argv[a]);
        if (!eq_kernels[i].run || !wanted) continue;
        failed += check(i);
        found++;
    }
    if (found == 0) fprintf(stderr, "selftest: no such kernel is built in\n");
    return found == 0 ? 2 : failed != 0;
}
