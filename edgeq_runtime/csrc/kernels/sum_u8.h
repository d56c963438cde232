/* Sums of bytes, for what the zero point of weights takes from every channel of a row. */
#ifndef EQ_KERNELS_SUM_U8_H
#define EQ_KERNELS_SUM_U8_H
#include "eq_kernels.h"
#include <immintrin.h>
#include <string.h>

static uint32_t sum_u8(const uint8_t *a, size_t count) {
    const uint8_t *end = a + count;
    __m256i wide = _mm256_setzero_si256();
    for (; end - a >= 32; a += 32)
        wide = _mm256_add_epi64(wide, _mm256_sad_epu8(_mm256_loadu_si256((const __m256i *)a), _mm256_setzero_si256()));
    __m128i sum = _mm_add_epi64(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    for (; end - a >= 8; a += 8) sum = _mm_add_epi64(sum, _mm_sad_epu8(_mm_loadl_epi64((const __m128i *)a), _mm_setzero_si128()));
    uint32_t total = (uint32_t)_mm_cvtsi128_si32(_mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum)));
    for (; a < end; a++) total += *a;
    return total;
}

/* Of a row of a band, times w_zero. */
EQ_ONE_COPY uint32_t zero_term(const struct eq_gemm_s8_u8_s8 *g, const uint8_t *row) {
    uint32_t sum = 0;
    for (size_t p = 0; p < g->parts; p++) sum += sum_u8(row + g->parts_at[p], g->k);
    return sum * (uint32_t)g->w_zero;
}
#endif
