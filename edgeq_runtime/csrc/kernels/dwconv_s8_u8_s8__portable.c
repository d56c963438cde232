#include "eq_kernels.h"
#include "eq_round.h"

static void pixel(const struct eq_dwconv_s8_u8_s8 *d, const int8_t *const *lines, size_t i, int8_t *y) {
    for (size_t c = 0; c < d->channels; c++) {
        uint32_t acc = (uint32_t)d->rq.bias[c]; /* only the sum of all is sure to be in range */
        for (size_t ky = 0; ky < d->kh; ky++)
            for (size_t kx = 0; kx < d->kw; kx++) {
                const size_t at = i * d->stride_w + kx * d->dilation_w - d->pad_left; /* before the line: beyond it */
                if (at >= d->columns) continue;
                const int32_t x = lines[ky * d->dilation_h][at * d->channels + c] - d->x_zero;
                acc += (uint32_t)(x * (d->w[(ky * d->kw + kx) * d->channels + c] - d->w_zero));
            }
        y[c] = eq_clamp_s8(eq_requantize((int32_t)acc, d->rq.m[c], d->rq.n[c]), d->y_zero, d->lo, d->hi);
    }
}

void eq_dwconv_s8_u8_s8__portable(const struct eq_dwconv_s8_u8_s8 *d) {
    for (size_t row = 0; row < d->rows; row++)
        for (size_t i = 0; i < d->pixels; i++) pixel(d, d->lines + row * d->stride_h, i, d->y + (row * d->pixels + i) * d->channels);
}
