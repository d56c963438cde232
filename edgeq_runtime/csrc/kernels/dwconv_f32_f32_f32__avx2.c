#include "avx2.h"

EQ_INLINE void eight(const struct eq_dwconv_f32_f32_f32 *d, size_t at, size_t c, float *y) {
    __m256 v = _mm256_setzero_ps();
    for (size_t t = 0; t < d->taps; t++)
        v = _mm256_add_ps(v, _mm256_mul_ps(_mm256_loadu_ps(d->x[t] + at + c), _mm256_loadu_ps(d->w[t] + c)));
    v = _mm256_add_ps(v, _mm256_loadu_ps(d->bias + c));
    v = _mm256_min_ps(_mm256_set1_ps(d->hi), _mm256_max_ps(_mm256_set1_ps(d->lo), v)); /* the order of operands keeps NaN */
    _mm256_storeu_ps(y + c, v);
}

EQ_INLINE void single(const struct eq_dwconv_f32_f32_f32 *d, size_t at, size_t c, float *y) {
    float v = 0;
    for (size_t t = 0; t < d->taps; t++) v += d->x[t][at + c] * d->w[t][c];
    v += d->bias[c];
    y[c] = v < d->lo ? d->lo : v > d->hi ? d->hi : v;
}

void eq_dwconv_f32_f32_f32__avx2(const struct eq_dwconv_f32_f32_f32 *d) {
    for (size_t i = 0; i < d->pixels; i++) {
        float *y = d->y + i * d->channels;
        size_t c = 0;
        for (; c + 8 <= d->channels; c += 8) eight(d, i * d->x_step, c, y);
        for (; c < d->channels; c++) single(d, i * d->x_step, c, y);
    }
}
