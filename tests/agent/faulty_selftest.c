/* Stands before eq_selftest in an agent for the tests: a kernel that crashes or never ends. */
#include "eq.h"
#include <stdlib.h>
#include <string.h>

int __real_eq_selftest(const struct eq_model *model, void *arena, size_t arena_bytes, int *failed);
int __wrap_eq_selftest(const struct eq_model *model, void *arena, size_t arena_bytes, int *failed);

int __wrap_eq_selftest(const struct eq_model *model, void *arena, size_t arena_bytes, int *failed) {
    const char *fault = getenv("EDGEQ_TEST_FAULT");
    if (fault && !strcmp(fault, "crash")) abort();
    for (volatile int wait = fault && !strcmp(fault, "hang"); wait;) {}
    return __real_eq_selftest(model, arena, arena_bytes, failed);
}
