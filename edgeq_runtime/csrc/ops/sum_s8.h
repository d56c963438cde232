/* Sums of int8 vectors. */
#ifndef EQ_SUM_S8_H
#define EQ_SUM_S8_H
#include "op.h"

enum { EQ_SUM_WIDTH = 64 }; /* most channels at a time */

/* acc[c] += sum over t of x[t step + c]; width <= EQ_SUM_WIDTH. */
static inline void eq_sum_s8(int32_t *restrict acc, const int8_t *x, size_t taps, size_t step, size_t width) {
    if (width == 1 && step == 1) {
        int32_t sum = 0;
        for (size_t t = 0; t < taps; t++) sum += x[t];
        acc[0] += sum;
        return;
    }
    while (taps > 0) {
        const size_t n = taps < 255 ? taps : 255; /* so many fit in int16 */
        int16_t part[EQ_SUM_WIDTH] = {0};
        for (size_t t = 0; t < n; t++) {
            for (size_t c = 0; c < width; c++) part[c] = (int16_t)(part[c] + x[t * step + c]);
        }
        for (size_t c = 0; c < width; c++) acc[c] += part[c];
        x += n * step;
        taps -= n;
    }
}
#endif
