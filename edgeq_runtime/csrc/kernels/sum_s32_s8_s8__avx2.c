/* 64 or 16 channels as words, widened again before they could overflow. The last step ends at the last channel, over what is done
 * already. */
#include "avx2.h"

enum { STEP = 16, WIDE = 4, FIT = 255 };

EQ_INLINE __m256i words(const int8_t *x) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)x)); }

EQ_INLINE void widen(__m256i sum[2], __m256i *part) {
    sum[0] = _mm256_add_epi32(sum[0], _mm256_cvtepi16_epi32(_mm256_castsi256_si128(*part)));
    sum[1] = _mm256_add_epi32(sum[1], _mm256_cvtepi16_epi32(_mm256_extracti128_si256(*part, 1)));
    *part = _mm256_setzero_si256();
}

EQ_INLINE void some(const struct eq_sum_s32_s8_s8 *d, const int8_t *x, int32_t *y, const int vectors) {
    __m256i sum[WIDE][2], part[WIDE];
    for (int i = 0; i < vectors; i++) sum[i][0] = sum[i][1] = part[i] = _mm256_setzero_si256();
    size_t room = FIT;
    for (size_t r = 0; r < d->rows; r++, x += d->row_step) {
        const int8_t *at = x;
        for (size_t left = d->cols, n; left > 0; left -= n) {
            if (room == 0) {
                for (int i = 0; i < vectors; i++) widen(sum[i], &part[i]);
                room = FIT;
            }
            n = left < room ? left : room;
            room -= n;
            for (size_t t = n; t > 0; t--, at += d->col_step)
                for (int i = 0; i < vectors; i++) part[i] = _mm256_add_epi16(part[i], words(at + STEP * i));
        }
    }
    for (int i = 0; i < vectors; i++, y += STEP) {
        widen(sum[i], &part[i]);
        _mm256_storeu_si256((__m256i *)y, sum[i][0]);
        _mm256_storeu_si256((__m256i *)(y + 8), sum[i][1]);
    }
}

void eq_sum_s32_s8_s8__avx2(const struct eq_sum_s32_s8_s8 *d) {
    const size_t n = d->channels;
    size_t c = 0;
    for (; c < n && n < STEP; c++) {
        int32_t sum = 0;
        for (size_t r = 0; r < d->rows; r++)
            for (size_t t = 0; t < d->cols; t++) sum += d->x[r * d->row_step + t * d->col_step + c];
        d->y[c] = sum;
    }
    for (; c + WIDE * STEP <= n; c += WIDE * STEP) some(d, d->x + c, d->y + c, WIDE);
    for (; c < n; c += STEP) {
        if (c + STEP > n) c = n - STEP;
        some(d, d->x + c, d->y + c, 1);
    }
}
