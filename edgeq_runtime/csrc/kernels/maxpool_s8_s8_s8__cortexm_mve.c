#include "cortexm_mve.h"

/* 16 channels of a pixel. */
EQ_INLINE int8x16_t highest(const struct eq_maxpool_s8_s8_s8 *d, const int8_t *x, mve_pred16_t real) {
    int8x16_t v = vdupq_n_s8(INT8_MIN);
    for (size_t r = 0; r < d->rows; r++, x += d->row_step) {
        const int8_t *at = x;
        for (size_t t = 0; t < d->cols; t++, at += d->col_step) v = vmaxq_s8(v, vldrbq_z_s8(at, real));
    }
    return vminq_s8(vmaxq_s8(v, vdupq_n_s8((int8_t)d->lo)), vdupq_n_s8((int8_t)d->hi));
}

void eq_maxpool_s8_s8_s8__cortexm_mve(const struct eq_maxpool_s8_s8_s8 *args) {
    const struct eq_maxpool_s8_s8_s8 d = *args; /* which no store can change */
    for (size_t p = 0; p < d.pixels; p++)
        for (size_t c = 0; c < d.channels; c += BYTES) {
            const mve_pred16_t real = vctp8q((uint32_t)(d.channels - c));
            vstrbq_p_s8(d.y + p * d.channels + c, highest(&d, d.x + p * d.x_step + c, real), real);
        }
}
