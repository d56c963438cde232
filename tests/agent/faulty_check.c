/* The self-test of a kernel that prints, and is what EDGEQ_TEST_CHECK says: equal, unequal, crash or hang. Linked with --wrap. */
#include "selftest/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int __wrap_eq_kernel_check(size_t index, uint32_t *count);

int __wrap_eq_kernel_check(size_t index, uint32_t *count) {
    const char *what = getenv("EDGEQ_TEST_CHECK");
    for (int i = 0; i < 1000; i++) printf("row %zu differs\n", index);
    fflush(stdout);
    *count = 7;
    if (what && !strcmp(what, "crash")) abort();
    while (what && !strcmp(what, "hang")) sleep(1);
    return what && !strcmp(what, "unequal");
}
