/* 16 at a time: products of words summed in 32 bits, rounded by the constant, down again by the shift. Saturating on the way is exact: lo
 * and hi lie within int8. */
#include "add_steps.h"
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

EQ_INLINE void some(const void *terms, const int8_t *a, const int8_t *b, int8_t *y) {
    const struct terms *t = terms;
    const int8x16_t x = vld1q_s8(a), z = vld1q_s8(b);
    const int16x8_t low = sum(t, vmovl_s8(vget_low_s8(x)), vmovl_s8(vget_low_s8(z)));
    vst1q_s8(y, clamp16_apply(&t->clamp, low, sum(t, vmovl_high_s8(x), vmovl_high_s8(z))));
}

void eq_add_s8_s8_s8__neon(const struct eq_add_s8_s8_s8 *d) {
    const struct terms t = {clamp16_load(d->y_zero, d->lo, d->hi), vdupq_n_s32(d->constant), vdupq_n_s32(-d->shift), d->a_mul, d->b_mul};
    add_steps(d, STEP, some, &t);
}
