/* Stands before eq_selftest and eq_run in an agent for the tests: a kernel that crashes, never ends or takes long. */
#include "eq.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int __real_eq_selftest(const struct eq_model *model, void *arena, size_t arena_bytes, int *failed);
int __wrap_eq_selftest(const struct eq_model *model, void *arena, size_t arena_bytes, int *failed);

int __wrap_eq_selftest(const struct eq_model *model, void *arena, size_t arena_bytes, int *failed) {
    const char *fault = getenv("EDGEQ_TEST_FAULT");
    if (fault && !strcmp(fault, "crash")) abort();
    for (volatile int wait = fault && !strcmp(fault, "hang"); wait;) {}
    if (fault && !strcmp(fault, "late")) sleep(3);
    return __real_eq_selftest(model, arena, arena_bytes, failed);
}

int __real_eq_run(const struct eq_model *model, void *arena, size_t arena_bytes, const struct eq_observer *observer);
int __wrap_eq_run(const struct eq_model *model, void *arena, size_t arena_bytes, const struct eq_observer *observer);

/* slow: 2.5 s in one run, layer after layer. many: each run takes 50 ms. */
int __wrap_eq_run(const struct eq_model *model, void *arena, size_t arena_bytes, const struct eq_observer *observer) {
    const char *fault = getenv("EDGEQ_TEST_FAULT");
    if (fault && !strcmp(fault, "many")) usleep(50000);
    for (int i = 0; fault && observer && !strcmp(fault, "slow") && i < 25; i++) {
        usleep(100000);
        observer->after(observer->context, 0);
    }
    return __real_eq_run(model, arena, arena_bytes, observer);
}
