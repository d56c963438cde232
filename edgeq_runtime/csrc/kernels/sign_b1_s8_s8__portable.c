#include "eq_kernels.h"

void eq_sign_b1_s8_s8__portable(const struct eq_sign_b1_s8_s8 *d) {
    const int8_t *x = d->x;
    uint32_t *y = d->y;
    for (size_t i = 0; i < d->rows; i++)
        for (size_t first = 0; first < d->channels; first += EQ_SIGNS) {
            const size_t some = d->channels - first < EQ_SIGNS ? d->channels - first : EQ_SIGNS;
            uint32_t word = 0;
            for (size_t c = 0; c < some; c++) word |= (uint32_t)(*x++ <= d->limits[first + c]) << c;
            *y++ = (word & d->keep[first / EQ_SIGNS]) ^ d->flip[first / EQ_SIGNS];
        }
}
