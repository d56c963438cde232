/* A predicate of 16 bytes is a bit of each. */
#include "cortexm_mve.h"

EQ_INLINE uint32_t half(const int8_t *x, const int8_t *limits, size_t left) {
    return vcmpleq_s8(vldrbq_z_s8(x, vctp8q((uint32_t)left)), vldrbq_s8(limits));
}

void eq_sign_b1_s8_s8__cortexm_mve(const struct eq_sign_b1_s8_s8 *d) {
    uint32_t *y = d->y;
    for (size_t i = 0; i < d->rows; i++) {
        const int8_t *x = d->x + i * d->channels;
        for (size_t c = 0, word = 0; c < d->channels; c += EQ_SIGNS, word++) {
            const size_t left = d->channels - c;
            uint32_t bits = half(x + c, d->limits + c, left);
            if (left > BYTES) bits |= half(x + c + BYTES, d->limits + c + BYTES, left - BYTES) << BYTES;
            *y++ = (bits & d->keep[word]) ^ d->flip[word];
        }
    }
}
