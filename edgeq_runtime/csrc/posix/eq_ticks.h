/* The counter of the machine that is cheapest to read; only differences within one process mean something. */
#ifndef EQ_TICKS_H
#define EQ_TICKS_H
#include <stdint.h>
#include <time.h>

static inline uint64_t eq_ticks(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}
#endif
