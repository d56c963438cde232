/* Channels of a pixel stay in registers through all its taps. The last step ends at the last channel, over what is done already; its
 * width is that of the step, so 64, 32, 16, 8 or one byte. */
#include "avx2.h"

enum { STEP = 32, WIDE = 2 };

EQ_INLINE void some(const struct eq_maxpool_s8_s8_s8 *d, const int8_t *x, int8_t *y, const int vectors) {
    const __m256i lo = _mm256_set1_epi8((char)d->lo), hi = _mm256_set1_epi8((char)d->hi);
    __m256i v[WIDE];
    for (int i = 0; i < vectors; i++) v[i] = _mm256_set1_epi8(INT8_MIN);
    for (size_t r = 0; r < d->rows; r++, x += d->row_step) {
        const int8_t *at = x;
        for (size_t t = d->cols; t > 0; t--, at += d->col_step)
            for (int i = 0; i < vectors; i++) v[i] = _mm256_max_epi8(v[i], _mm256_loadu_si256((const __m256i *)(at + STEP * i)));
    }
    for (int i = 0; i < vectors; i++) _mm256_storeu_si256((__m256i *)(y + STEP * i), _mm256_min_epi8(_mm256_max_epi8(v[i], lo), hi));
}

/* 16 or 8 channels. */
EQ_INLINE void few(const struct eq_maxpool_s8_s8_s8 *d, const int8_t *x, int8_t *y, const int count) {
    __m128i v = _mm_set1_epi8(INT8_MIN);
    for (size_t r = 0; r < d->rows; r++, x += d->row_step)
        for (size_t t = 0; t < d->cols; t++) {
            const __m128i *at = (const __m128i *)(x + t * d->col_step);
            v = _mm_max_epi8(v, count == 16 ? _mm_loadu_si128(at) : _mm_loadl_epi64(at));
        }
    v = _mm_min_epi8(_mm_max_epi8(v, _mm_set1_epi8((char)d->lo)), _mm_set1_epi8((char)d->hi));
    if (count == 16) _mm_storeu_si128((__m128i *)y, v);
    else _mm_storel_epi64((__m128i *)y, v);
}

EQ_INLINE void one(const struct eq_maxpool_s8_s8_s8 *d, const int8_t *x, int8_t *y) {
    int32_t v = d->lo;
    for (size_t r = 0; r < d->rows; r++, x += d->row_step)
        for (size_t t = 0; t < d->cols; t++) v = x[t * d->col_step] > v ? x[t * d->col_step] : v;
    *y = (int8_t)(v > d->hi ? d->hi : v);
}

/* Fewer channels than a whole step has. */
EQ_INLINE void narrow(const struct eq_maxpool_s8_s8_s8 *d, const int8_t *x, int8_t *y) {
    const size_t n = d->channels;
    if (n >= 16) {
        few(d, x, y, 16);
        if (n > 16) few(d, x + n - 16, y + n - 16, 16);
    } else if (n >= 8) {
        few(d, x, y, 8);
        if (n > 8) few(d, x + n - 8, y + n - 8, 8);
    } else
        for (size_t c = 0; c < n; c++) one(d, x + c, y + c);
}

EQ_INLINE void pixel(const struct eq_maxpool_s8_s8_s8 *d, const int8_t *x, int8_t *y) {
    const size_t n = d->channels;
    size_t c = 0;
    for (; c + WIDE * STEP <= n; c += WIDE * STEP) some(d, x + c, y + c, WIDE);
    for (; c < n; c += STEP) {
        if (c + STEP > n) c = n - STEP;
        some(d, x + c, y + c, 1);
    }
}

void eq_maxpool_s8_s8_s8__avx2(const struct eq_maxpool_s8_s8_s8 *args) {
    const struct eq_maxpool_s8_s8_s8 d = *args; /* which no store can change */
    for (size_t p = 0; p < d.pixels; p++)
        if (d.channels < STEP) narrow(&d, d.x + p * d.x_step, d.y + p * d.channels);
        else pixel(&d, d.x + p * d.x_step, d.y + p * d.channels);
}
