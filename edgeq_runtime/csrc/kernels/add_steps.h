/* An addition in steps of a vector. */
#ifndef EQ_KERNELS_ADD_STEPS_H
#define EQ_KERNELS_ADD_STEPS_H
#include "eq_kernels.h"
#include <string.h>

enum { ADD_MOST = 32 /* values of a step */ };

/* y of one step. */
typedef void (*add_step_fn)(const void *terms, const int8_t *a, const int8_t *b, int8_t *y);

/* A step of values from `at` on, or one value for all of it. */
EQ_INLINE const int8_t *add_stretched(const int8_t *from, size_t stride, size_t at, const size_t step, int8_t one[ADD_MOST]) {
    if (stride) return from + at;
    memset(one, *from, step);
    return one;
}

/* What is left of a whole step is done in a copy. */
EQ_INLINE void add_steps(const struct eq_add_s8_s8_s8 *args, const size_t step, add_step_fn run, const void *terms) {
    const struct eq_add_s8_s8_s8 d = *args; /* what stores to y cannot change */
    int8_t a_one[ADD_MOST], b_one[ADD_MOST], a_left[ADD_MOST] = {0}, b_left[ADD_MOST] = {0}, y_left[ADD_MOST];
    const int8_t *a, *b;
    size_t i = 0;
    if (d.a_step && d.b_step)
        for (; i + step <= d.n; i += step) run(terms, d.a + i, d.b + i, d.y + i);
    for (; i + step <= d.n; i += step) {
        a = add_stretched(d.a, d.a_step, i, step, a_one);
        b = add_stretched(d.b, d.b_step, i, step, b_one);
        run(terms, a, b, d.y + i);
    }
    if (i == d.n) return;
    memcpy(a_left, d.a_step ? d.a + i : d.a, d.a_step ? d.n - i : 1);
    memcpy(b_left, d.b_step ? d.b + i : d.b, d.b_step ? d.n - i : 1);
    a = add_stretched(a_left, d.a_step, 0, step, a_one);
    b = add_stretched(b_left, d.b_step, 0, step, b_one);
    run(terms, a, b, y_left);
    memcpy(d.y + i, y_left, d.n - i);
}
#endif
