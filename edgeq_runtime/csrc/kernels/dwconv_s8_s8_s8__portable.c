#include "eq_kernels.h"
#include "eq_round.h"

static void pixel(const struct eq_dwconv_s8_s8_s8 *d, const int8_t *const *x, size_t offset, int8_t *y) {
    const int8_t *w = d->w;
    for (size_t c = 0; c < d->channels; c++) {
        int32_t acc = d->rq.bias[c];
        for (size_t t = 0; t < d->taps; t++) acc += (x[t][offset + c] - d->x_zero) * (w[t * d->channels + c] - d->w_zero);
        y[c] = eq_clamp_s8(eq_requantize(acc, d->rq.m[c], d->rq.n[c]), d->y_zero, d->lo, d->hi);
    }
}

void eq_dwconv_s8_s8_s8__portable(const struct eq_dwconv_s8_s8_s8 *d) {
    for (const struct eq_stretch_s8 *s = d->stretches; s < d->stretches + d->count; s++)
        for (size_t i = 0; i < s->pixels; i++) pixel(d, s->x, i * d->x_step, s->y + i * d->channels);
}
