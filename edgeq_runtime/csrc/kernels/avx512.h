/* Vector words that the AVX-512 kernels share. */
#ifndef EQ_KERNELS_AVX512_H
#define EQ_KERNELS_AVX512_H
#include "eq_kernels.h"
#include "unroll.h"
#include <immintrin.h>
#include <string.h>

/* Four bytes, again and again. */
EQ_INLINE __m512i four(const uint8_t *a) {
    int32_t v;
    memcpy(&v, a, sizeof v);
    return _mm512_set1_epi32(v);
}

/* Requantization of 16 channels, y_zero and clamp behind it. mul_epi32 takes the even dwords. */
struct rq16 {
    __m512i bias, m_even, m_odd, n, round, right, zero, lo, hi;
    int short_way; /* 2 <= n <= 22 in every lane */
    int clamps;    /* lo or hi lies inside int8: else saturating does it */
};

EQ_INLINE __m512i odd_down(__m512i v) { return _mm512_srli_epi64(v, 32); }

/* The high dwords of both products, in order. One instruction, which some compilers make vpermt2d of: half as fast on AMD. */
EQ_INLINE __m512i high_dwords(__m512i even, __m512i odd) {
    __asm__("vpshufd $0xf5, %1, %0%{%2%}" : "+v"(odd) : "v"(even), "Yk"((__mmask16)0x5555));
    return odd;
}

EQ_INLINE struct rq16 rq16_from(__m512i bias, __m512i m, __m128i n_bytes, int32_t y_zero, int32_t lo, int32_t hi) {
    const __m512i n = _mm512_cvtepi8_epi32(n_bytes), one = _mm512_set1_epi32(1), two = _mm512_set1_epi32(2);
    struct rq16 r;
    r.bias = bias;
    r.m_even = m;
    r.m_odd = odd_down(m);
    r.n = n;
    r.zero = _mm512_set1_epi32(y_zero);
    r.right = _mm512_sub_epi32(n, one);
    r.round = _mm512_add_epi32(_mm512_sllv_epi32(one, _mm512_sub_epi32(n, two)), _mm512_sllv_epi32(r.zero, r.right));
    r.lo = _mm512_set1_epi8((char)lo);
    r.hi = _mm512_set1_epi8((char)hi);
    r.short_way = !_mm512_cmpgt_epu32_mask(_mm512_sub_epi32(n, two), _mm512_set1_epi32(20));
    r.clamps = lo > INT8_MIN || hi < INT8_MAX;
    return r;
}

/* What the whole range of n takes: a rounding term of 64 bits, and a left shift that saturates for n < 1. */
EQ_INLINE __m512i rq16_apply_any(const struct rq16 *r, __m512i acc) {
    const __m512i one = _mm512_set1_epi32(1), up = _mm512_max_epi32(r->n, one), left = _mm512_sub_epi32(up, r->n);
    const __m512i limit = _mm512_srlv_epi32(_mm512_set1_epi32(INT32_MAX), left), half = _mm512_set1_epi64((int64_t)1 << 30);
    const __m512i up_even = _mm512_and_si512(up, _mm512_set1_epi64(0xffffffff)), up_odd = _mm512_srli_epi64(up, 32);
    const __mmask16 shifted = _mm512_cmpgt_epi32_mask(left, _mm512_setzero_si512());
    acc = _mm512_mask_max_epi32(acc, shifted, acc, _mm512_sub_epi32(_mm512_setzero_si512(), limit));
    acc = _mm512_sllv_epi32(_mm512_mask_min_epi32(acc, shifted, acc, limit), left);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(acc, r->m_even), _mm512_sllv_epi64(half, up_even));
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(odd_down(acc), r->m_odd), _mm512_sllv_epi64(half, up_odd));
    const __m512i high = high_dwords(even, odd);
    return _mm512_add_epi32(_mm512_srav_epi32(high, _mm512_sub_epi32(up, one)), r->zero);
}

/* y_zero + requantize(acc), the short way. For n >= 2 half is a multiple of 2^32, so the low dword of the product takes no part;
 * y_zero 2^(n-1) joins it, and |high| <= 2^30 leaves room for both. */
EQ_INLINE __m512i rq16_apply(const struct rq16 *r, __m512i acc) {
    const __m512i even = _mm512_mul_epi32(acc, r->m_even), odd = _mm512_mul_epi32(odd_down(acc), r->m_odd);
    const __m512i high = high_dwords(even, odd);
    return _mm512_srav_epi32(_mm512_add_epi32(high, r->round), r->right);
}

/* Four vectors to 16 bytes each, in order, clamped. Saturating twice is exact: lo and hi lie within int8. */
EQ_INLINE __m512i rq16_bytes4(const struct rq16 *r, __m512i a, __m512i b, __m512i c, __m512i d) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i bytes = _mm512_packs_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
    if (r->clamps) bytes = _mm512_min_epi8(_mm512_max_epi8(bytes, r->lo), r->hi);
    return _mm512_permutexvar_epi32(order, bytes);
}

EQ_INLINE __m128i rq16_bytes(const struct rq16 *r, __m512i v) {
    const __m128i bytes = _mm512_cvtsepi32_epi8(v);
    return _mm_min_epi8(_mm_max_epi8(bytes, _mm512_castsi512_si128(r->lo)), _mm512_castsi512_si128(r->hi));
}
/* The 4 x 4 transpose of 128-bit lanes. */
EQ_INLINE void lanes_transpose(__m512i v[4]) {
    const __m512i a = _mm512_shuffle_i32x4(v[0], v[1], 0x44), b = _mm512_shuffle_i32x4(v[2], v[3], 0x44);
    const __m512i c = _mm512_shuffle_i32x4(v[0], v[1], 0xee), d = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
    v[0] = _mm512_shuffle_i32x4(a, b, 0x88);
    v[1] = _mm512_shuffle_i32x4(a, b, 0xdd);
    v[2] = _mm512_shuffle_i32x4(c, d, 0x88);
    v[3] = _mm512_shuffle_i32x4(c, d, 0xdd);
}

EQ_INLINE void lanes_load(const void *from, __m512i v[4]) {
    for (int j = 0; j < 4; j++) v[j] = _mm512_loadu_si512((const char *)from + 64 * j);
    lanes_transpose(v);
}
#endif
