/* 16 bits are a predicate of 16 bytes. */
#include "cortexm_mve.h"

void eq_unpack_s8_b1_b1__cortexm_mve(const struct eq_unpack_s8_b1_b1 *d) {
    const int8x16_t plus = vdupq_n_s8(d->plus), minus = vdupq_n_s8(d->minus);
    const uint32_t *x = d->x;
    int8_t *y = d->y;
    for (size_t i = 0; i < d->rows; i++)
        for (size_t left = d->channels, some; left > 0; left -= some, y += some) {
            some = left < EQ_SIGNS ? left : EQ_SIGNS;
            const uint32_t bits = *x++;
            vstrbq_p_s8(y, vpselq_s8(minus, plus, (mve_pred16_t)bits), vctp8q((uint32_t)some));
            if (some > BYTES)
                vstrbq_p_s8(y + BYTES, vpselq_s8(minus, plus, (mve_pred16_t)(bits >> BYTES)), vctp8q((uint32_t)(some - BYTES)));
        }
}
