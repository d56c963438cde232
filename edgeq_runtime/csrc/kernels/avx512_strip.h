/* A strip: 16 channels of a depthwise convolution along the pixels of one or two output rows, read from interleaved columns. */
#ifndef EQ_KERNELS_AVX512_STRIP_H
#define EQ_KERNELS_AVX512_STRIP_H
#include "avx512_columns.h"

enum { NR = 16, MOST_TAPS = 16 /* groups of four */ };

struct strip {
    struct rq16 rq;
    __m512i w[2][MOST_TAPS]; /* of the first output row; of the next one, which reads a line further down */
    size_t at[MOST_TAPS];    /* bytes from a pixel in the buffer to its groups */
    size_t step;             /* bytes from pixel to pixel */
    int taps;
};

/* Where the pixels of a strip go. */
struct strip_out {
    int8_t *y;
    size_t step, row;   /* elements from pixel to pixel, from row to row */
    __mmask16 on, last; /* channels of a pixel; of the last one */
};

/* Four outputs: of two rows and two pixels, or of four pixels. */
EQ_INLINE void strip_store4(int8_t *y, int8_t *below, size_t step, __mmask16 on, const int rows, __m512i v) {
    int8_t *const to[4] = {y, rows == 2 ? below : y + step, rows == 2 ? y + step : y + 2 * step, rows == 2 ? below + step : y + 3 * step};
    const __m128i part[4] = {_mm512_castsi512_si128(v), _mm512_extracti32x4_epi32(v, 1), _mm512_extracti32x4_epi32(v, 2),
                             _mm512_extracti32x4_epi32(v, 3)};
    if (__builtin_expect(on == 0xffff, 1)) /* masks make stores slow on some CPUs */
        for (int k = 0; k < 4; k++) _mm_storeu_si128((__m128i *)to[k], part[k]);
    else
        for (int k = 0; k < 4; k++) _mm_mask_storeu_epi8(to[k], on, part[k]);
}

EQ_INLINE void strip_sums(const struct strip *s, const uint8_t *b, const int taps, const int rows, __m512i acc[]) {
    for (int r = 0; r < rows; r++) acc[r] = s->rq.bias;
    for (int t = 0; t < taps; t++) {
        const __m512i v = _mm512_loadu_si512(b + s->at[t]);
        for (int r = 0; r < rows; r++) acc[r] = _mm512_dpbusd_epi32(acc[r], v, s->w[r][t]);
    }
    for (int r = 0; r < rows; r++) acc[r] = rq16_apply(&s->rq, acc[r]);
}

/* A copy that no store can change: what a loop uses of it stays in registers. */
EQ_INLINE void strip_keep(const struct strip *s, const int taps, const int rows, struct strip *kept) {
    kept->rq = s->rq;
    for (int t = 0; t < taps; t++) {
        kept->at[t] = s->at[t];
        for (int r = 0; r < rows; r++) kept->w[r][t] = s->w[r][t];
    }
}

/* Four outputs at a time, and what is left. */
EQ_INLINE void strip_rows(const struct strip *s, const uint8_t *b, size_t pixels, const struct strip_out *o, const int taps,
                          const int rows) {
    enum { AT_ONCE = 4 };
    const size_t each = (size_t)(AT_ONCE / rows), whole = o->last == o->on ? pixels : pixels - 1, step = o->step, next = s->step;
    struct strip kept;
    strip_keep(s, taps, rows, &kept);
    const __mmask16 on = o->on;
    int8_t *y = o->y, *below = y + o->row;
    size_t i = 0;
    for (; i + each <= whole; i += each, b += each * next, y += each * step, below += each * step) {
        __m512i acc[AT_ONCE];
        for (int p = 0; p < AT_ONCE / rows; p++) strip_sums(&kept, b + (size_t)p * next, taps, rows, acc + p * rows);
        strip_store4(y, below, step, on, rows, rq16_bytes4(&kept.rq, acc[0], acc[1], acc[2], acc[3]));
    }
    for (; i < pixels; i++, b += next, y += step, below += step) {
        const __mmask16 some = i < whole ? on : o->last;
        __m512i acc[2];
        strip_sums(&kept, b, taps, rows, acc);
        _mm_mask_storeu_epi8(y, some, rq16_bytes(&kept.rq, acc[0]));
        if (rows == 2) _mm_mask_storeu_epi8(below, some, rq16_bytes(&kept.rq, acc[1]));
    }
}

static void strip_run(const struct strip *s, const uint8_t *b, size_t pixels, const struct strip_out *o, int rows) {
    if (s->taps == 3 && rows == 2) strip_rows(s, b, pixels, o, 3, 2);
    else if (s->taps == 3) strip_rows(s, b, pixels, o, 3, 1);
    else if (rows == 2) strip_rows(s, b, pixels, o, s->taps, 2);
    else strip_rows(s, b, pixels, o, s->taps, 1);
}

/* The taps of `lines` of four lines, less w_zero, as two bytes that add up to each; those of no line are 0. */
EQ_INLINE __m512i strip_split(__m512i w, int32_t w_zero, size_t lines, __m512i *second) {
    const __m512i zero = _mm512_set1_epi8((char)w_zero),
                  real = _mm512_set1_epi32((int32_t)_bzhi_u64(0xffffffff, 8 * (uint32_t)(lines < KR ? lines : KR)));
    const __m512i part = _mm512_subs_epi8(w, zero);
    *second = _mm512_and_si512(real, _mm512_sub_epi8(_mm512_sub_epi8(w, zero), part));
    return _mm512_and_si512(real, part);
}

/* Channel parameters and packed weights of 16 elements, those with a zero point as two groups for one: from `from` on, or where the
 * period is shorter than the strip, element e of them is (from + e) % period. */
static void strip_load(const struct eq_dwconv_s8_u8_s8 *d, size_t from, int periodic, struct strip *s) {
    const size_t heights = (d->kh + KR - 1) / KR, groups = heights * d->kw;
    int32_t bias[NR], m[NR], w[MOST_TAPS][NR];
    int8_t n[NR];
    for (size_t e = 0; e < NR && periodic; e++) {
        const size_t c = (from + e) % d->channels;
        bias[e] = d->rq.bias[c];
        m[e] = d->rq.m[c];
        n[e] = d->rq.n[c];
        for (size_t t = 0; t < groups; t++) memcpy(&w[t][e], d->w + ((c / NR * groups + t) * NR + c % NR) * KR, KR);
    }
    s->rq = rq16_from(_mm512_loadu_si512(periodic ? bias : d->rq.bias + from), _mm512_loadu_si512(periodic ? m : d->rq.m + from),
                      _mm_loadu_si128((const __m128i *)(periodic ? n : d->rq.n + from)), d->y_zero, d->lo, d->hi);
    s->taps = (int)(d->w_zero ? 2 * groups : groups);
    for (size_t t = 0; t < groups; t++) {
        s->w[0][t] = _mm512_loadu_si512(periodic ? (const void *)w[t] : d->w + (from * groups + t * NR) * KR);
        if (d->w_zero) s->w[0][t] = strip_split(s->w[0][t], d->w_zero, d->kh - KR * (t % heights), &s->w[0][groups + t]);
    }
    for (size_t t = 0; t < (size_t)s->taps; t++) {
        s->w[1][t] = _mm512_slli_epi32(s->w[0][t], 8);
        if (t % heights) s->w[1][t] = _mm512_or_si512(s->w[1][t], _mm512_srli_epi32(s->w[0][t - 1], 24));
    }
}
#endif
