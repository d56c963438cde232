#include "eq_kernels.h"
#include "eq_round.h"

void eq_dwconv_s8_s8_s8__portable(const struct eq_dwconv_s8_s8_s8 *d) {
    const int8_t *w = d->w;
    int8_t *y = d->y;
    for (size_t i = 0; i < d->pixels; i++)
        for (size_t c = 0; c < d->channels; c++) {
            int32_t acc = d->rq.bias[c];
            for (size_t t = 0; t < d->taps; t++) acc += (d->x[t][i * d->x_step + c] - d->x_zero) * (w[t * d->channels + c] - d->w_zero);
            *y++ = eq_clamp_s8(eq_requantize(acc, d->rq.m[c], d->rq.n[c]), d->y_zero, d->lo, d->hi);
        }
}
