#include "cortexm_mve.h"

/* Both operands of four elements, whose sum is in range. */
EQ_INLINE void put(const struct eq_add_s8_s8_s8 *d, int32x4_t sum, mve_pred16_t real, int8_t *y) {
    const int32x4_t v = vaddq_n_s32(vshlq_r_s32(sum, -d->shift), d->y_zero);
    vstrbq_p_s32(y, vminq_s32(vmaxq_s32(v, vdupq_n_s32(d->lo)), vdupq_n_s32(d->hi)), real);
}

/* x lies element by element; what the other operand counts is the same of all, or comes from z. */
EQ_INLINE void all(const struct eq_add_s8_s8_s8 *d, const int8_t *x, int32_t x_mul, int32_t same, const int8_t *z, int32_t z_mul) {
    const struct eq_add_s8_s8_s8 local = *d; /* which no store can change */
    int8_t *y = d->y;
    for (size_t left = d->n; left > 0; left -= left < LANES ? left : LANES, x += LANES, y += LANES) {
        const mve_pred16_t real = vctp32q((uint32_t)left);
        int32x4_t sum = vmlaq_n_s32(vdupq_n_s32(same), vldrbq_z_s32(x, real), x_mul);
        if (z) {
            sum = vmlaq_n_s32(sum, vldrbq_z_s32(z, real), z_mul);
            z += LANES;
        }
        put(&local, sum, real, y);
    }
}

void eq_add_s8_s8_s8__cortexm_mve(const struct eq_add_s8_s8_s8 *d) {
    if (d->n > 1 && d->a_step == 0) all(d, d->b, d->b_mul, d->constant + d->a_mul * *d->a, NULL, 0);
    else if (d->n > 1 && d->b_step == 0) all(d, d->a, d->a_mul, d->constant + d->b_mul * *d->b, NULL, 0);
    else all(d, d->a, d->a_mul, d->constant, d->b, d->b_mul);
}
