/* 64 channels at a time; four taps of one column are interleaved byte by byte, so that one instruction takes them all. In a 3x3 window of
 * stride 1 a column serves three outputs. */
#include "avx512_columns.h"

/* One output of any window. */
EQ_INLINE void any_window(const struct eq_dwconv_s8_u8_s8 *d, const struct block *b, const uint8_t *a, const int8_t *w, int8_t *y) {
    __m512i acc[V], sum[V], v[V], held[V];
    for (int j = 0; j < V; j++) acc[j] = b->rq[j].bias, sum[j] = _mm512_setzero_si512();
    size_t t = 0;
    for (size_t kx = 0; kx < d->kw; kx++)
        for (size_t ky = 0; ky < d->kh; ky += KR, t++) {
            const size_t taps = d->kh - ky < KR ? d->kh - ky : KR;
            column(a + ky * d->y_tap + kx * d->x_tap, d->y_tap, taps, v);
            if (b->groups > KEPT) lanes_load(w + t * NR * KR, held);
            for (int j = 0; j < V; j++) acc[j] = _mm512_dpbusd_epi32(acc[j], v[j], b->groups > KEPT ? held[j] : b->w[t][j]);
            if (d->w_zero == 0) continue;
            const __m512i ones = _mm512_set1_epi32((int32_t)(0x01010101u >> (8 * (KR - taps))));
            for (int j = 0; j < V; j++) sum[j] = _mm512_dpbusd_epi32(sum[j], v[j], ones);
        }
    if (d->w_zero)
        for (int j = 0; j < V; j++) acc[j] = _mm512_sub_epi32(acc[j], _mm512_mullo_epi32(sum[j], _mm512_set1_epi32(d->w_zero)));
    finish(b, acc, y);
}

/* One output of a 3x3 window. */
EQ_INLINE void window9(const struct eq_dwconv_s8_u8_s8 *d, const struct block *b, const uint8_t *a, int8_t *y) {
    __m512i acc[V] = {b->rq[0].bias, b->rq[1].bias, b->rq[2].bias, b->rq[3].bias}, v[V];
    for (int t = 0; t < 3; t++) {
        column(a + (size_t)t * d->x_tap, d->y_tap, 3, v);
        for (int j = 0; j < V; j++) acc[j] = _mm512_dpbusd_epi32(acc[j], v[j], b->w[t][j]);
    }
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
    const int nine = d->kh == 3 && d->kw == 3 && d->w_zero == 0, slides = nine && join == 1 && d->x_step == d->x_tap;
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
                    if (nine) window9(d, &b, a + i * d->x_step, y + i * d->channels);
                    else any_window(d, &b, a + i * d->x_step, w, y + i * d->channels);
                }
        }
    }
}
