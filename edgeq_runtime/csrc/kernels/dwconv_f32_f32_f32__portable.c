#include "eq_kernels.h"

void eq_dwconv_f32_f32_f32__portable(const struct eq_dwconv_f32_f32_f32 *d) {
    float *y = d->y;
    for (size_t i = 0; i < d->pixels; i++)
        for (size_t c = 0; c < d->channels; c++) {
            float v = 0;
            for (size_t t = 0; t < d->taps; t++) v += d->x[t][i * d->x_step + c] * d->w[t][c];
            v += d->bias[c];
            *y++ = v < d->lo ? d->lo : v > d->hi ? d->hi : v;
        }
}
