/* 16 at a time: products of words summed in 32 bits, rounded by the constant, down again by the shift. Saturating on the way is exact: lo
 * and hi lie within int8. */
#include "neon.h"

enum { STEP = 16 };

struct terms {
    struct clamp16 clamp;
    int32x4_t constant, right; /* right: minus the shift, as shifts to the left go */
    int16_t a_mul, b_mul;
};

EQ_INLINE int16x8_t sum(const struct terms *t, int16x8_t a, int16x8_t b) {
    const int32x4_t low = vmlal_n_s16(vmlal_n_s16(t->constant, vget_low_s16(a), t->a_mul), vget_low_s16(b), t->b_mul);
    const int32x4_t high = vmlal_high_n_s16(vmlal_high_n_s16(t->constant, a, t->a_mul), b, t->b_mul);
    return vqmovn_high_s32(vqmovn_s32(vshlq_s32(low, t->right)), vshlq_s32(high, t->right));
}

EQ_INLINE int8x16_t some(const struct terms *t, int8x16_t a, int8x16_t b) {
    const int16x8_t low = sum(t, vmovl_s8(vget_low_s8(a)), vmovl_s8(vget_low_s8(b)));
    return clamp16_apply(&t->clamp, low, sum(t, vmovl_high_s8(a), vmovl_high_s8(b)));
}

/* `count` values from x on, or one value for all. */
EQ_INLINE int8x16_t load(const int8_t *x, size_t step, size_t at, size_t count) {
    int8_t left[STEP] = {0};
    if (!step) return vdupq_n_s8(*x);
    if (count >= STEP) return vld1q_s8(x + at);
    memcpy(left, x + at, count);
    return vld1q_s8(left);
}

void eq_add_s8_s8_s8__neon(const struct eq_add_s8_s8_s8 *args) {
    const struct eq_add_s8_s8_s8 d = *args; /* what stores to y cannot change */
    const struct terms t = {clamp16_load(d.y_zero, d.lo, d.hi), vdupq_n_s32(d.constant), vdupq_n_s32(-d.shift), d.a_mul, d.b_mul};
    size_t i = 0;
    if (d.a_step && d.b_step)
        for (; i + STEP <= d.n; i += STEP) vst1q_s8(d.y + i, some(&t, vld1q_s8(d.a + i), vld1q_s8(d.b + i)));
    for (; i < d.n; i += STEP) {
        const size_t count = d.n - i < STEP ? d.n - i : STEP;
        const int8x16_t v = some(&t, load(d.a, d.a_step, i, count), load(d.b, d.b_step, i, count));
        memcpy(d.y + i, &v, count);
    }
}
