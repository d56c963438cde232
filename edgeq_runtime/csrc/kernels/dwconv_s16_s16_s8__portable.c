#include "eq_kernels.h"
#include "eq_round.h"
#include <string.h>

/* Channels at once, and taps whose products of 2^22 at most fit in a sum of 32 bits. */
enum { WIDTH = 64, EXACT = 256 };

static void add(int32_t *restrict part, const int16_t *x, const int8_t *w, size_t width) {
    for (size_t c = 0; c < width; c++) part[c] += x[c] * w[c];
}

/* Channels first .. first + width - 1 of a pixel. */
static void some(const struct eq_dwconv_s16_s16_s8 *d, const int16_t *x, size_t first, size_t width, int16_t *y) {
    int64_t sums[WIDTH] = {0};
    for (size_t t = 0; t < d->taps;) {
        const size_t end = d->taps - t < EXACT ? d->taps : t + EXACT;
        int32_t part[WIDTH] = {0};
        for (; t < end; t++) add(part, x + d->x_at[t] + first, d->w + d->w_at[t] + first, width);
        for (size_t c = 0; c < width; c++) sums[c] += part[c];
    }
    for (size_t c = 0, at = first; c < width; c++, at++)
        y[at] = eq_clamp_s16(eq_requantize_wide(sums[c] + d->rq.bias[at], d->rq.m[at], d->rq.n[at]), d->lo, d->hi);
}

void eq_dwconv_s16_s16_s8__portable(const struct eq_dwconv_s16_s16_s8 *d) {
    for (size_t i = 0; i < d->pixels; i++)
        for (size_t c = 0; c < d->channels; c += WIDTH)
            some(d, d->x + i * d->x_step, c, d->channels - c < WIDTH ? d->channels - c : WIDTH, d->y + i * d->channels);
}
