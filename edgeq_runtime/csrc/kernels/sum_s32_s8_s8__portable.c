#include "eq_kernels.h"

enum { WIDTH = 64, FIT = 255 /* so many fit in int16 */ };

static inline void add(int16_t *restrict part, const int8_t *x, size_t n) {
    for (size_t c = 0; c < n; c++) part[c] = (int16_t)(part[c] + x[c]);
}

static void stretch(const struct eq_sum_s32_s8_s8 *d, const int8_t *x, size_t n, int32_t *restrict y) {
    int16_t part[WIDTH];
    for (size_t c = 0; c < n; c++) y[c] = 0;
    for (size_t r = 0; r < d->rows; r++)
        for (size_t t = 0, end; t < d->cols; t = end) {
            const int8_t *at = x + r * d->row_step;
            end = d->cols - t < FIT ? d->cols : t + FIT;
            for (size_t c = 0; c < n; c++) part[c] = 0;
            for (size_t i = t; i < end; i++) add(part, at + i * d->col_step, n);
            for (size_t c = 0; c < n; c++) y[c] += part[c];
        }
}

void eq_sum_s32_s8_s8__portable(const struct eq_sum_s32_s8_s8 *d) {
    if (d->channels == 1) { /* taps may lie side by side */
        int32_t sum = 0;
        for (size_t r = 0; r < d->rows; r++)
            for (size_t t = 0; t < d->cols; t++) sum += d->x[r * d->row_step + t * d->col_step];
        d->y[0] = sum;
        return;
    }
    for (size_t c = 0; c < d->channels; c += WIDTH) stretch(d, d->x + c, d->channels - c < WIDTH ? d->channels - c : WIDTH, d->y + c);
}
