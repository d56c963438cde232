#include "eq_kernels.h"
#include "eq_round.h"

static inline void steps(const struct eq_add_s8_s8_s8 *d, size_t a_step, size_t b_step) {
    const struct eq_add_s8_s8_s8 t = *d;
    int8_t *restrict y = t.y;
    for (size_t i = 0, n = t.n; i < n; i++) {
        const int32_t sum = (t.a_mul * (int16_t)t.a[i * a_step] + t.b_mul * (int16_t)t.b[i * b_step] + t.constant) >> t.shift;
        y[i] = eq_clamp_s8(sum, t.y_zero, t.lo, t.hi);
    }
}

/* y holds a. */
static inline void in_place(const struct eq_add_s8_s8_s8 *d, size_t b_step) {
    const struct eq_add_s8_s8_s8 t = *d;
    int8_t *restrict y = t.y;
    for (size_t i = 0, n = t.n; i < n; i++) {
        const int32_t sum = (t.a_mul * (int16_t)y[i] + t.b_mul * (int16_t)t.b[i * b_step] + t.constant) >> t.shift;
        y[i] = eq_clamp_s8(sum, t.y_zero, t.lo, t.hi);
    }
}

/* The common pair of steps is a loop of its own, which the compiler then knows. */
void eq_add_s8_s8_s8__portable(const struct eq_add_s8_s8_s8 *d) {
    struct eq_add_s8_s8_s8 turned = *d;
    if (d->b == d->y) {
        turned.a = d->b;
        turned.b = d->a;
        turned.a_mul = d->b_mul;
        turned.b_mul = d->a_mul;
        turned.b_step = d->a_step;
    }
    if (turned.a == d->y) {
        if (turned.b_step) in_place(&turned, 1);
        else in_place(&turned, 0);
    } else if (d->a_step && d->b_step) steps(d, 1, 1);
    else steps(d, d->a_step, d->b_step);
}
