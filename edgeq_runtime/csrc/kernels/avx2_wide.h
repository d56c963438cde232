/* How sums of 64 bits end on AVX2: 8 channels. */
#ifndef EQ_KERNELS_AVX2_WIDE_H
#define EQ_KERNELS_AVX2_WIDE_H
#include "avx2.h"

/* Of 8 channels, 4 in each register. */
struct rq16 {
    __m256i bias[2], m[2], half[2], right[2];
};

EQ_INLINE struct rq16 rq16_from(const int32_t *bias, const int32_t *m, const int8_t *n) {
    struct rq16 r;
    for (int i = 0; i < 2; i++, bias += 4, m += 4, n += 4) {
        int32_t four;
        memcpy(&four, n, sizeof four);
        const __m256i wide = _mm256_cvtepi8_epi64(_mm_cvtsi32_si128(four));
        r.bias[i] = _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i *)bias));
        r.m[i] = _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i *)m));
        r.half[i] = _mm256_sllv_epi64(_mm256_set1_epi64x(1), _mm256_add_epi64(wide, _mm256_set1_epi64x(30)));
        r.right[i] = _mm256_add_epi64(wide, _mm256_set1_epi64x(15));
    }
    return r;
}

/* Channels o .. o + count - 1; the lanes beyond give 0. */
EQ_INLINE struct rq16 rq16_load(const struct eq_rq *rq, size_t o, size_t count) {
    if (count >= 8) return rq16_from(rq->bias + o, rq->m + o, rq->n + o);
    int32_t bias[8] = {0}, m[8] = {0};
    int8_t n[8] = {0};
    memcpy(bias, rq->bias + o, 4 * count);
    memcpy(m, rq->m + o, 4 * count);
    memcpy(n, rq->n + o, count);
    return rq16_from(bias, m, n);
}

/* v >> right with its sign: 2^63, which makes v positive, is divided without a rest. */
EQ_INLINE __m256i shift_right(__m256i v, __m256i right) {
    const __m256i top = _mm256_set1_epi64x(INT64_MIN);
    return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_xor_si256(v, top), right), _mm256_srlv_epi64(top, right));
}

/* eq_requantize_wide of 4 sums, and the clamp. mul_epi32 reads the low dword of each: bits 16 to 47 of a sum are its high part. */
EQ_INLINE __m256i rq16_apply(const struct rq16 *r, const int i, __m256i acc, __m256i lo, __m256i hi) {
    acc = _mm256_add_epi64(acc, r->bias[i]);
    const __m256i low = _mm256_and_si256(acc, _mm256_set1_epi64x(0xffff)), high = _mm256_srli_epi64(acc, 16);
    const __m256i rest = _mm256_srli_epi64(_mm256_add_epi64(_mm256_mul_epi32(low, r->m[i]), r->half[i]), 16);
    __m256i v = shift_right(_mm256_add_epi64(_mm256_mul_epi32(high, r->m[i]), rest), r->right[i]);
    v = _mm256_blendv_epi8(v, lo, _mm256_cmpgt_epi64(lo, v));
    return _mm256_blendv_epi8(v, hi, _mm256_cmpgt_epi64(v, hi));
}

/* The low dwords of 8 values, which fit in 16 bits. */
EQ_INLINE __m128i narrow(__m256i first, __m256i second) {
    const __m256 both = _mm256_shuffle_ps(_mm256_castsi256_ps(first), _mm256_castsi256_ps(second), 0x88);
    const __m256i dwords = _mm256_permute4x64_epi64(_mm256_castps_si256(both), 0xd8);
    return _mm_packs_epi32(_mm256_castsi256_si128(dwords), _mm256_extracti128_si256(dwords, 1));
}

EQ_INLINE void store_words(int16_t *y, __m128i v, size_t count) {
    int16_t words[8];
    if (count >= 8) {
        _mm_storeu_si128((__m128i *)y, v);
    } else {
        _mm_storeu_si128((__m128i *)words, v);
        memcpy(y, words, count * sizeof *y);
    }
}

/* Channels at .. at + count - 1 of a pixel: sums without the bias, 4 in each register. */
EQ_INLINE void store_wide(const struct rq16 *r, int16_t *y, size_t count, __m256i first, __m256i second, __m256i lo, __m256i hi) {
    store_words(y, narrow(rq16_apply(r, 0, first, lo, hi), rq16_apply(r, 1, second, lo, hi)), count);
}
#endif
