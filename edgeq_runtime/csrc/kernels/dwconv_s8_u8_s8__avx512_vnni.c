/* 64 channels at a time; four taps of one column are interleaved byte by byte, so that one instruction takes them all. The order of
 * channels that interleaving makes, 16 L + 4 j + i for lane L of vector j, is undone by packing the results; weights and channel parameters
 * are brought into it once a call. In a 3x3 window of stride 1 a column serves three outputs. */
#include "avx512.h"

enum { NR = 64, KR = 4, V = 4 /* vectors of a block */, KEPT = 16 /* tap groups */ };

struct block {
    struct rq16 rq[V];
    __m512i w[KEPT][V];
    size_t groups, heights; /* of four taps each; in a column */
    __mmask64 on;
};

/* The 4 x 4 transpose of 128-bit lanes. */
EQ_INLINE void transpose(__m512i v[V]) {
    const __m512i a = _mm512_shuffle_i32x4(v[0], v[1], 0x44), b = _mm512_shuffle_i32x4(v[2], v[3], 0x44);
    const __m512i c = _mm512_shuffle_i32x4(v[0], v[1], 0xee), d = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
    v[0] = _mm512_shuffle_i32x4(a, b, 0x88);
    v[1] = _mm512_shuffle_i32x4(a, b, 0xdd);
    v[2] = _mm512_shuffle_i32x4(c, d, 0x88);
    v[3] = _mm512_shuffle_i32x4(c, d, 0xdd);
}

EQ_INLINE void load4(const void *from, __m512i v[V]) {
    for (int j = 0; j < V; j++) v[j] = _mm512_loadu_si512((const char *)from + 64 * j);
    transpose(v);
}

/* The first `period` of 64 elements again and again. */
static void repeat(const void *from, size_t element, size_t period, void *to) {
    for (size_t at = 0; at < NR; at += period) memcpy((char *)to + at * element, from, period * element);
}

static void block_load(const struct eq_dwconv_s8_u8_s8 *d, size_t c, size_t period, struct block *b) {
    int32_t bias[NR], m[NR];
    int8_t n[NR], w[NR * KR];
    __m512i biases[V], ms[V], ns[V];
    repeat(d->rq.bias + c, 4, period, bias);
    repeat(d->rq.m + c, 4, period, m);
    repeat(d->rq.n + c, 1, period, n);
    load4(bias, biases);
    load4(m, ms);
    for (int j = 0; j < V; j++) ns[j] = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)n + j));
    transpose(ns);
    for (int j = 0; j < V; j++) b->rq[j] = rq16_from(biases[j], ms[j], _mm512_cvtepi32_epi8(ns[j]), d->y_zero, d->lo, d->hi);
    b->heights = (d->kh + KR - 1) / KR;
    b->groups = b->heights * d->kw;
    for (size_t t = 0; t < b->groups && b->groups <= KEPT; t++) {
        repeat(d->w + (c * b->groups + t * NR) * KR, KR, period, w);
        load4(w, b->w[t]);
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

EQ_INLINE void finish(const struct block *b, __m512i acc[V], int8_t *y) {
    for (int j = 0; j < V; j++) acc[j] = rq16_apply(&b->rq[j], acc[j]);
    const __m512i bytes = _mm512_packs_epi16(_mm512_packs_epi32(acc[0], acc[1]), _mm512_packs_epi32(acc[2], acc[3]));
    _mm512_mask_storeu_epi8(y, b->on, _mm512_min_epi8(_mm512_max_epi8(bytes, b->rq[0].lo), b->rq[0].hi));
}

/* One output of any window. */
EQ_INLINE void any_window(const struct eq_dwconv_s8_u8_s8 *d, const struct block *b, const uint8_t *a, const int8_t *w, int8_t *y) {
    __m512i acc[V], sum[V], v[V], held[V];
    for (int j = 0; j < V; j++) acc[j] = b->rq[j].bias, sum[j] = _mm512_setzero_si512();
    size_t t = 0;
    for (size_t kx = 0; kx < d->kw; kx++)
        for (size_t ky = 0; ky < d->kh; ky += KR, t++) {
            const size_t taps = d->kh - ky < KR ? d->kh - ky : KR;
            column(a + ky * d->y_tap + kx * d->x_tap, d->y_tap, taps, v);
            if (b->groups > KEPT) load4(w + t * NR * KR, held);
            for (int j = 0; j < V; j++) acc[j] = _mm512_dpbusd_epi32(acc[j], v[j], b->groups > KEPT ? held[j] : b->w[t][j]);
            if (d->w_zero == 0) continue;
            const __m512i ones = _mm512_set1_epi32((int32_t)(0x01010101u >> (8 * (KR - taps))));
            for (int j = 0; j < V; j++) sum[j] = _mm512_dpbusd_epi32(sum[j], v[j], ones);
        }
    if (d->w_zero)
        for (int j = 0; j < V; j++) acc[j] = _mm512_sub_epi32(acc[j], _mm512_mullo_epi32(sum[j], _mm512_set1_epi32(d->w_zero)));
    finish(b, acc, y);
}

EQ_INLINE void add(const struct block *b, int t, const __m512i v[V], const __m512i from[V], __m512i acc[V]) {
    for (int j = 0; j < V; j++) acc[j] = _mm512_dpbusd_epi32(from[j], v[j], b->w[t][j]);
}

/* The next column begins one output, goes on with a second and ends a third. */
EQ_INLINE void slide(const struct eq_dwconv_s8_u8_s8 *d, const struct block *b, const uint8_t *a, __m512i first[V], __m512i second[V],
                     __m512i third[V], int8_t *y) {
    const __m512i bias[V] = {b->rq[0].bias, b->rq[1].bias, b->rq[2].bias, b->rq[3].bias};
    __m512i v[V];
    column(a, d->y_tap, 3, v);
    add(b, 0, v, bias, first);
    add(b, 1, v, second, second);
    add(b, 2, v, third, third);
    if (y) finish(b, third, y);
}

/* A row of a 3x3 window of stride 1. */
static void sliding(const struct eq_dwconv_s8_u8_s8 *d, const struct block *b, const uint8_t *a, int8_t *y) {
    const size_t step = d->x_step;
    __m512i p[V] = {0}, q[V] = {0}, r[V] = {0};
    slide(d, b, a, p, q, r, NULL);
    slide(d, b, a + step, q, p, r, NULL);
    a += 2 * step;
    size_t i = 0;
    for (; i + 3 <= d->pixels; i += 3, a += 3 * step, y += 3 * d->channels) {
        slide(d, b, a, r, q, p, y);
        slide(d, b, a + step, p, r, q, y + d->channels);
        slide(d, b, a + 2 * step, q, p, r, y + 2 * d->channels);
    }
    if (i < d->pixels) slide(d, b, a, r, q, p, y);
    if (i + 1 < d->pixels) slide(d, b, a + step, p, r, q, y + d->channels);
}

/* Few channels of neighbouring pixels fill a block together. */
static int joined(const struct eq_dwconv_s8_u8_s8 *d) {
    return d->channels < NR && NR % d->channels == 0 && d->x_step == d->channels && (d->kh + KR - 1) / KR * d->kw <= KEPT;
}

void eq_dwconv_s8_u8_s8__avx512_vnni(const struct eq_dwconv_s8_u8_s8 *d) {
    const size_t join = joined(d) ? NR / d->channels : 1, width = joined(d) ? d->pixels * d->channels : d->channels;
    const int slides = join == 1 && d->kh == 3 && d->kw == 3 && d->x_step == d->x_tap && d->w_zero == 0;
    struct block b;
    for (size_t c = 0; c < d->channels; c += NR) {
        block_load(d, c, join > 1 ? d->channels : NR, &b);
        const int8_t *w = d->w + c * b.groups * KR;
        for (size_t row = 0; row < d->rows; row++) {
            const uint8_t *a = d->a + row * d->row_step + c;
            int8_t *y = d->y + row * d->pixels * d->channels + c;
            b.on = width - c < NR ? ((__mmask64)1 << (width - c)) - 1 : ~(__mmask64)0;
            if (slides) sliding(d, &b, a, y);
            else
                for (size_t i = 0; i < d->pixels; i += join) {
                    if (join > 1 && (d->pixels - i) * d->channels < NR) b.on = ((__mmask64)1 << ((d->pixels - i) * d->channels)) - 1;
                    any_window(d, &b, a + i * d->x_step, w, y + i * d->channels);
                }
        }
    }
}
