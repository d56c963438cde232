/* 64 channels of a column of taps, interleaved, and what a depthwise kernel needs of them. Interleaving makes the order of channels
 * 16 L + 4 j + i for lane L of vector j; packing results undoes it, weights and channel parameters are brought into it once a call. */
#ifndef EQ_KERNELS_AVX512_COLUMNS_H
#define EQ_KERNELS_AVX512_COLUMNS_H
#include "avx512.h"

enum { NR = 64, KR = 4, V = 4 /* vectors of a block */, KEPT = 16 /* tap groups */ };

struct block {
    struct rq16 rq[V];
    __m512i w[KEPT][V];
    size_t groups, heights; /* of four taps each; in a column */
    __mmask64 on;
    int short_way;
};

/* The first `period` of 64 elements again and again. */
EQ_INLINE void repeat(const void *from, size_t element, size_t period, void *to) {
    for (size_t at = 0; at < NR; at += period) memcpy((char *)to + at * element, from, period * element);
}

EQ_INLINE void block_load(const struct eq_dwconv_s8_u8_s8 *d, size_t c, size_t period, struct block *b) {
    int32_t bias[NR], m[NR];
    int8_t n[NR], w[NR * KR];
    __m512i biases[V], ms[V], ns[V];
    repeat(d->rq.bias + c, 4, period, bias);
    repeat(d->rq.m + c, 4, period, m);
    repeat(d->rq.n + c, 1, period, n);
    lanes_load(bias, biases);
    lanes_load(m, ms);
    for (int j = 0; j < V; j++) ns[j] = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)n + j));
    lanes_transpose(ns);
    for (int j = 0; j < V; j++) b->rq[j] = rq16_from(biases[j], ms[j], _mm512_cvtepi32_epi8(ns[j]), d->y_zero, d->lo, d->hi);
    b->short_way = b->rq[0].short_way & b->rq[1].short_way & b->rq[2].short_way & b->rq[3].short_way;
    b->heights = (d->kh + KR - 1) / KR;
    b->groups = b->heights * d->kw;
    for (size_t t = 0; t < b->groups && b->groups <= KEPT; t++) {
        repeat(d->w + (c * b->groups + t * NR) * KR, KR, period, w);
        lanes_load(w, b->w[t]);
    }
}

/* Four taps from row t of the window on; rows beyond the end have the weight 0. */
EQ_INLINE void column(const uint8_t *a, size_t y_tap, size_t taps, __m512i v[V]) {
    __m512i r[KR];
    for (size_t i = 0; i < KR; i++) r[i] = _mm512_loadu_si512(a + (i < taps ? i * y_tap : 0));
    const __m512i a_low = _mm512_unpacklo_epi8(r[0], r[1]), a_high = _mm512_unpackhi_epi8(r[0], r[1]);
    const __m512i b_low = _mm512_unpacklo_epi8(r[2], r[3]), b_high = _mm512_unpackhi_epi8(r[2], r[3]);
    v[0] = _mm512_unpacklo_epi16(a_low, b_low);
    v[1] = _mm512_unpackhi_epi16(a_low, b_low);
    v[2] = _mm512_unpacklo_epi16(a_high, b_high);
    v[3] = _mm512_unpackhi_epi16(a_high, b_high);
}

EQ_INLINE void store(const struct block *b, const __m512i v[V], int8_t *y) {
    const __m512i bytes = _mm512_packs_epi16(_mm512_packs_epi32(v[0], v[1]), _mm512_packs_epi32(v[2], v[3]));
    _mm512_mask_storeu_epi8(y, b->on, _mm512_min_epi8(_mm512_max_epi8(bytes, b->rq[0].lo), b->rq[0].hi));
}

static __attribute__((noinline)) void finish_any(const struct block *b, const __m512i acc[V], int8_t *y) {
    __m512i v[V];
    for (int j = 0; j < V; j++) v[j] = rq16_apply_any(&b->rq[j], acc[j]);
    store(b, v, y);
}

EQ_INLINE void finish(const struct block *b, const __m512i acc[V], int8_t *y) {
    __m512i v[V];
    if (__builtin_expect(!b->short_way, 0)) {
        const __m512i copy[V] = {acc[0], acc[1], acc[2], acc[3]};
        finish_any(b, copy, y);
        return;
    }
    for (int j = 0; j < V; j++) v[j] = rq16_apply(&b->rq[j], acc[j]);
    store(b, v, y);
}
#endif
