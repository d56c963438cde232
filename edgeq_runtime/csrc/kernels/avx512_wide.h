/* 64 channels of a window three taps wide along the pixels of one or two output rows. The columns are interleaved within their 128-bit
 * lanes, vector j of a column holds the channels 16 L + 4 j + i of lane L; packing results brings them back into order. */
#ifndef EQ_KERNELS_AVX512_WIDE_H
#define EQ_KERNELS_AVX512_WIDE_H
#include "avx512_columns.h"

enum { WIDE_TAPS = 3, V = 4 /* vectors of a column */ };

struct wide {
    struct rq16 rq[V];
    __m512i w[V][2][WIDE_TAPS]; /* of the first output row; of the next one, which reads a line further down */
};

/* Channels from c on; 0 where their parameters do not go the short way. */
static int wide_load(const struct eq_dwconv_s8_u8_s8 *d, size_t c, struct wide *b) {
    __m512i bias[V], m[V], n[V], w[V];
    lanes_load(d->rq.bias + c, bias);
    lanes_load(d->rq.m + c, m);
    for (int j = 0; j < V; j++) n[j] = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(d->rq.n + c) + j));
    lanes_transpose(n);
    int short_way = 1;
    for (int j = 0; j < V; j++) {
        b->rq[j] = rq16_from(bias[j], m[j], _mm512_cvtepi32_epi8(n[j]), d->y_zero, d->lo, d->hi);
        short_way &= b->rq[j].short_way;
    }
    for (int t = 0; t < WIDE_TAPS; t++) {
        for (int j = 0; j < V; j++) w[j] = _mm512_loadu_si512(d->w + c * WIDE_TAPS * KR + (size_t)(j * WIDE_TAPS + t) * 64);
        lanes_transpose(w);
        for (int j = 0; j < V; j++) {
            b->w[j][0][t] = w[j];
            b->w[j][1][t] = _mm512_slli_epi32(w[j], 8);
        }
    }
    return short_way;
}

/* Vector j of the outputs of some pixels and rows. */
EQ_INLINE void wide_sums(const struct wide *b, const int j, const uint8_t *column, size_t step, size_t tap, const int pixels,
                         const int rows, __m512i acc[2][2]) {
    for (int p = 0; p < pixels; p++)
        for (int r = 0; r < rows; r++) acc[p][r] = b->rq[j].bias;
    for (int t = 0; t < WIDE_TAPS; t++)
        for (int p = 0; p < pixels; p++) {
            const __m512i v = _mm512_load_si512(column + (size_t)p * step + (size_t)t * tap + 64 * (size_t)j);
            for (int r = 0; r < rows; r++) acc[p][r] = _mm512_dpbusd_epi32(acc[p][r], v, b->w[j][r][t]);
        }
    for (int p = 0; p < pixels; p++)
        for (int r = 0; r < rows; r++) acc[p][r] = rq16_apply(&b->rq[j], acc[p][r]);
}

EQ_INLINE void wide_outputs(const struct wide *b, const uint8_t *column, size_t step, size_t tap, int8_t *y, size_t y_step, size_t y_row,
                            const int pixels, const int rows) {
    __m512i even[2][2], odd[2][2], low[2][2];
    wide_sums(b, 0, column, step, tap, pixels, rows, even);
    wide_sums(b, 1, column, step, tap, pixels, rows, odd);
    for (int p = 0; p < pixels; p++)
        for (int r = 0; r < rows; r++) low[p][r] = _mm512_packs_epi32(even[p][r], odd[p][r]);
    wide_sums(b, 2, column, step, tap, pixels, rows, even);
    wide_sums(b, 3, column, step, tap, pixels, rows, odd);
    for (int p = 0; p < pixels; p++)
        for (int r = 0; r < rows; r++) {
            const __m512i v = _mm512_packs_epi16(low[p][r], _mm512_packs_epi32(even[p][r], odd[p][r]));
            _mm512_storeu_si512(y + (size_t)p * y_step + (size_t)r * y_row, _mm512_min_epi8(_mm512_max_epi8(v, b->rq[0].lo), b->rq[0].hi));
        }
}

EQ_INLINE void wide_rows(const struct wide *b, const uint8_t *column, size_t step, size_t tap, int8_t *y, size_t y_step, size_t y_row,
                         size_t pixels, const int rows) {
    size_t i = 0;
    for (; i + 2 <= pixels; i += 2, column += 2 * step, y += 2 * y_step) wide_outputs(b, column, step, tap, y, y_step, y_row, 2, rows);
    if (i < pixels) wide_outputs(b, column, step, tap, y, y_step, y_row, 1, rows);
}

/* step, tap: bytes from pixel to pixel and from tap to tap of the interleaved columns; y_step, y_row: elements. */
static void wide_run(const struct wide *b, const uint8_t *column, size_t step, size_t tap, int8_t *y, size_t y_step, size_t y_row,
                     size_t pixels, int rows) {
    if (rows == 2) wide_rows(b, column, step, tap, y, y_step, y_row, pixels, 2);
    else wide_rows(b, column, step, tap, y, y_step, y_row, pixels, 1);
}
#endif
