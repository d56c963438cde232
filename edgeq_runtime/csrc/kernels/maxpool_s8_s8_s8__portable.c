#include "eq_kernels.h"

static inline void raise_to(int8_t *restrict y, const int8_t *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] > y[i] ? x[i] : y[i];
}

void eq_maxpool_s8_s8_s8__portable(const struct eq_maxpool_s8_s8_s8 *d) {
    const int8_t *x = d->x, lo = (int8_t)d->lo, hi = (int8_t)d->hi;
    const size_t n = d->channels;
    int8_t *restrict y = d->y;
    for (size_t p = 0; p < d->pixels; p++, x += d->x_step, y += n) {
        for (size_t i = 0; i < n; i++) y[i] = INT8_MIN;
        for (size_t r = 0; r < d->rows; r++)
            for (size_t t = 0; t < d->cols; t++) raise_to(y, x + r * d->row_step + t * d->col_step, n);
        for (size_t i = 0; i < n; i++) y[i] = y[i] < lo ? lo : y[i] > hi ? hi : y[i];
    }
}
