/* Vector words that the AVX2 kernels share. */
#ifndef EQ_KERNELS_AVX2_H
#define EQ_KERNELS_AVX2_H
#include "eq_kernels.h"
#include "unroll.h"
#include <immintrin.h>
#include <string.h>

/* Four bytes, again and again. */
EQ_INLINE __m256i four(const uint8_t *a) {
    int32_t v;
    memcpy(&v, a, sizeof v);
    return _mm256_set1_epi32(v);
}

/* Requantization of 8 channels. mul_epi32 takes the even dwords, so what the odd ones need is kept shifted down. */
struct rq8 {
    __m256i bias, m_even, m_odd, half_even, half_odd, right, left, limit;
    int has_left; /* a channel with n < 1: rare */
};

EQ_INLINE __m256i odd_down(__m256i v) { return _mm256_srli_epi64(v, 32); }

EQ_INLINE struct rq8 rq8_from(__m256i bias, __m256i m, __m128i n_bytes) {
    const __m256i one = _mm256_set1_epi32(1), n = _mm256_cvtepi8_epi32(n_bytes), up = _mm256_max_epi32(n, one);
    const __m256i half = _mm256_set1_epi64x((int64_t)1 << 30);
    struct rq8 r;
    r.bias = bias;
    r.m_even = m;
    r.m_odd = odd_down(m);
    r.half_even = _mm256_sllv_epi64(half, _mm256_and_si256(up, _mm256_set1_epi64x(0xffffffff)));
    r.half_odd = _mm256_sllv_epi64(half, odd_down(up));
    r.right = _mm256_sub_epi32(up, one);
    r.left = _mm256_sub_epi32(up, n);
    r.limit = _mm256_srlv_epi32(_mm256_set1_epi32(INT32_MAX), r.left);
    r.has_left = !_mm256_testz_si256(r.left, r.left);
    return r;
}

/* Channels o .. o + count - 1 of rq, count <= 8; the lanes beyond give 0. */
EQ_INLINE struct rq8 rq8_load(const struct eq_rq *rq, size_t o, size_t count) {
    if (count == 8)
        return rq8_from(_mm256_loadu_si256((const __m256i *)(rq->bias + o)), _mm256_loadu_si256((const __m256i *)(rq->m + o)),
                        _mm_loadl_epi64((const __m128i *)(rq->n + o)));
    int32_t bias[8] = {0}, m[8] = {0};
    int8_t n[16] = {1, 1, 1, 1, 1, 1, 1, 1};
    memcpy(bias, rq->bias + o, 4 * count);
    memcpy(m, rq->m + o, 4 * count);
    memcpy(n, rq->n + o, count);
    return rq8_from(_mm256_loadu_si256((const __m256i *)bias), _mm256_loadu_si256((const __m256i *)m), _mm_loadu_si128((const __m128i *)n));
}

/* (acc m + 2^(30+n)) >> (31+n): the high dword of the sum, shifted right by n - 1. For n > 0. */
EQ_INLINE __m256i rq8_short(const struct rq8 *r, __m256i acc) {
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(acc, r->m_even), r->half_even);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(odd_down(acc), r->m_odd), r->half_odd);
    return _mm256_srav_epi32(_mm256_blend_epi32(odd_down(even), odd, 0xaa), r->right);
}

/* The same for any n. */
EQ_INLINE __m256i rq8_apply(const struct rq8 *r, __m256i acc) {
    if (__builtin_expect(r->has_left, 0)) {
        acc = _mm256_max_epi32(_mm256_min_epi32(acc, r->limit), _mm256_sub_epi32(_mm256_setzero_si256(), r->limit));
        acc = _mm256_sllv_epi32(acc, r->left);
    }
    return rq8_short(r, acc);
}

struct clamp8 {
    __m128i zero, lo, hi;
};

EQ_INLINE struct clamp8 clamp8_load(int32_t zero, int32_t lo, int32_t hi) {
    const struct clamp8 c = {_mm_set1_epi16((int16_t)zero), _mm_set1_epi8((int8_t)lo), _mm_set1_epi8((int8_t)hi)};
    return c;
}

/* 8 requantized values to 8 bytes. Saturating twice is exact: lo and hi lie within int8. */
EQ_INLINE __m128i clamp8_apply(const struct clamp8 *c, __m256i v) {
    const __m128i words = _mm_adds_epi16(_mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)), c->zero);
    return _mm_min_epi8(_mm_max_epi8(_mm_packs_epi16(words, words), c->lo), c->hi);
}

/* 16 channels of two rows, low 8 and high 8 apart, to 16 bytes of each row. */
EQ_INLINE __m256i clamp8_apply_pair(const struct clamp8 *c, __m256i low0, __m256i high0, __m256i low1, __m256i high1) {
    const __m256i zero = _mm256_broadcastsi128_si256(c->zero);
    const __m256i row0 = _mm256_adds_epi16(_mm256_packs_epi32(low0, high0), zero),
                  row1 = _mm256_adds_epi16(_mm256_packs_epi32(low1, high1), zero);
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(row0, row1), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    return _mm256_min_epi8(_mm256_max_epi8(bytes, _mm256_broadcastsi128_si256(c->lo)), _mm256_broadcastsi128_si256(c->hi));
}

EQ_INLINE void store_bytes(int8_t *y, __m128i v, size_t count) {
    if (count == 8) {
        _mm_storel_epi64((__m128i *)y, v);
    } else {
        int8_t bytes[16];
        _mm_storeu_si128((__m128i *)bytes, v);
        memcpy(y, bytes, count);
    }
}
#endif
