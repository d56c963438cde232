/* 64 channels of a window three taps wide and up to four high along the pixels of one or two output rows, two pixels at a time. Each column
 * of four lines is interleaved once, in registers, within its 128-bit lanes: vector j of a column holds the channels 16 L + 4 j + i of lane
 * L; packing results brings them back into order. */
#ifndef EQ_KERNELS_AVX512_WIDE_H
#define EQ_KERNELS_AVX512_WIDE_H
#include "avx512_columns.h"

enum { WIDE_TAPS = 3, PAIR = 2 /* pixels */, V = 4 /* vectors of a column */, WIDE_COLUMNS = 5 /* that a pair may read */ };

struct wide {
    struct rq16 rq[V];
    __m512i w[V][2][WIDE_TAPS]; /* of the first output row; of the next one, which reads a line further down */
};

/* Where a run of pixels reads and writes. */
struct wide_place {
    const int8_t *line[KR]; /* from the first of the 64 channels on */
    size_t first, columns;  /* column of the first tap, modulo 2^n; how many there are */
    size_t channels;        /* elements from column to column, and from pixel to pixel */
    size_t pixels, row;     /* of a row; elements from row to row */
    int8_t *y;
    int32_t zero; /* of columns outside */
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

EQ_INLINE void wide_column(const struct wide_place *at, size_t column, __m512i v[V]) {
    __m512i r[KR];
    if (column >= at->columns) {
        for (int j = 0; j < V; j++) v[j] = _mm512_set1_epi8((char)(at->zero ^ INT8_MIN));
        return;
    }
    for (int i = 0; i < KR; i++) r[i] = _mm512_loadu_si512(at->line[i] + column * at->channels);
    columns_interleave(r, v);
}

/* Vector j of the outputs of a pair. */
EQ_INLINE void wide_sums(const struct wide *b, const int j, const __m512i v[][V], const int stride, const int rows, __m512i acc[PAIR][2]) {
    for (int p = 0; p < PAIR; p++)
        for (int r = 0; r < rows; r++) acc[p][r] = b->rq[j].bias;
    for (int t = 0; t < WIDE_TAPS; t++)
        for (int r = 0; r < rows; r++)
            for (int p = 0; p < PAIR; p++) acc[p][r] = _mm512_dpbusd_epi32(acc[p][r], v[p * stride + t][j], b->w[j][r][t]);
    for (int p = 0; p < PAIR; p++)
        for (int r = 0; r < rows; r++) acc[p][r] = rq16_apply(&b->rq[j], acc[p][r]);
}

/* y: of the pair; both: whether the second pixel is there. */
EQ_INLINE void wide_pair(const struct wide *b, const struct wide_place *at, const __m512i v[][V], const int stride, const int rows,
                         const int both, int8_t *y) {
    __m512i even[PAIR][2], odd[PAIR][2], low[PAIR][2];
    wide_sums(b, 0, v, stride, rows, even);
    wide_sums(b, 1, v, stride, rows, odd);
    for (int p = 0; p < PAIR; p++)
        for (int r = 0; r < rows; r++) low[p][r] = _mm512_packs_epi32(even[p][r], odd[p][r]);
    wide_sums(b, 2, v, stride, rows, even);
    wide_sums(b, 3, v, stride, rows, odd);
    for (int p = 0; p < PAIR; p++)
        for (int r = 0; r < rows; r++) {
            __m512i q = _mm512_packs_epi16(low[p][r], _mm512_packs_epi32(even[p][r], odd[p][r]));
            if (b->rq[0].clamps) q = _mm512_min_epi8(_mm512_max_epi8(q, b->rq[0].lo), b->rq[0].hi);
            if (p == 0 || both) _mm512_storeu_si512(y + (size_t)p * at->channels + (size_t)r * at->row, q);
        }
}

EQ_INLINE void wide_rows(const struct wide *b, const struct wide_place *place, const int stride, const int rows) {
    const struct wide_place at = *place;
    const int kept = WIDE_TAPS - stride;
    size_t column = at.first;
    __m512i v[WIDE_COLUMNS][V];
    wide_column(&at, column++, v[0]);
    if (kept == 2) wide_column(&at, column++, v[1]);
    for (size_t i = 0; i < at.pixels; i += PAIR) {
        wide_column(&at, column++, v[kept]);
        wide_column(&at, column++, v[kept + 1]);
        if (stride == 2) {
            wide_column(&at, column++, v[kept + 2]);
            wide_column(&at, column++, v[kept + 3]);
        }
        wide_pair(b, &at, (const __m512i(*)[V])v, stride, rows, at.pixels - i > 1, at.y + i * at.channels);
        for (int c = 0; c < kept; c++)
            for (int j = 0; j < V; j++) v[c][j] = v[c + PAIR * stride][j];
    }
}

static void wide_run(const struct wide *b, const struct wide_place *place, size_t stride, int rows) {
    if (stride == 2) wide_rows(b, place, 2, 1);
    else if (rows == 1) wide_rows(b, place, 1, 1);
    else wide_rows(b, place, 1, 2);
}
/* Whether blocks of 64 channels go this way. pairs: two output rows can share what is interleaved. */
static int wide_fits(const struct eq_dwconv_s8_u8_s8 *d, int pairs) {
    return d->w_zero == 0 && d->kh <= KR && d->kw == WIDE_TAPS && d->dilation_w == 1 && (d->stride_w == 1 || (d->stride_w == 2 && !pairs));
}

/* 64 channels from c on, in every row; 0 where their parameters do not allow it. */
static int wide_block(const struct eq_dwconv_s8_u8_s8 *d, int pairs, size_t c) {
    struct wide wide;
    if (!wide_load(d, c, &wide)) return 0;
    struct wide_place at = {.first = 0 - d->pad_left,
                            .columns = d->columns,
                            .channels = d->channels,
                            .pixels = d->pixels,
                            .row = d->pixels * d->channels,
                            .y = d->y + c,
                            .zero = d->x_zero};
    for (size_t row = 0, rows; row < d->rows; row += rows, at.y += rows * at.row) {
        rows = pairs && d->rows - row > 1 ? 2 : 1;
        for (size_t i = 0; i < KR; i++) at.line[i] = d->lines[row * d->stride_h + (i < d->kh + rows - 1 ? i * d->dilation_h : 0)] + c;
        wide_run(&wide, &at, d->stride_w, (int)rows);
    }
    return 1;
}
#endif
