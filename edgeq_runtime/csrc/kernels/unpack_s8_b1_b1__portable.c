#include "eq_kernels.h"

void eq_unpack_s8_b1_b1__portable(const struct eq_unpack_s8_b1_b1 *d) {
    const int8_t values[] = {d->plus, d->minus};
    const uint32_t *x = d->x;
    int8_t *y = d->y;
    for (size_t i = 0; i < d->rows; i++)
        for (size_t left = d->channels; left > 0; x++) {
            const size_t some = left < EQ_SIGNS ? left : EQ_SIGNS;
            for (size_t c = 0; c < some; c++) *y++ = values[*x >> c & 1];
            left -= some;
        }
}
