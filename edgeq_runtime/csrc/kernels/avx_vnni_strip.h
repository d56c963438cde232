/* A strip: 8 V channels of a depthwise convolution along the pixels of one or two output rows. Four lines of a column are interleaved byte
 * by byte, so that one instruction takes four taps; each lane of 128 bits by itself, so vector j holds channels 4 j .. 4 j + 3 of both
 * halves of the strip. Saturating the results down to bytes puts them back in order. */
#ifndef EQ_KERNELS_AVX_VNNI_STRIP_H
#define EQ_KERNELS_AVX_VNNI_STRIP_H
#include "avx2.h"

enum { NR = 8, KR = 4, MOST = 4 /* vectors */, MOST_TAPS = 16 /* groups of four */, VECTOR = 32 /* bytes */ };

/* Four taps of every channel. */
struct group {
    __m256i w[2][MOST]; /* of the first output row; of the next one, which reads a line further down */
    size_t at;          /* bytes from a pixel in the buffer to its inputs */
};

struct strip {
    __m256i bias[MOST], m[MOST], m_odd[MOST], round[MOST], right[MOST], lo, hi;
    struct group *groups;
    size_t taps, step; /* groups; bytes from a pixel in the buffer to the next */
};

/* The weights of four lines from `height` on, less w_zero, as two bytes that add up to each; those of no line are 0. */
EQ_RARE void strip_split(const struct eq_dwconv_s8_u8_s8 *d, const int8_t *w, size_t height, uint8_t first[KR], uint8_t second[KR]) {
    for (size_t i = 0; i < KR; i++) {
        const int32_t v = height + i < d->kh ? w[i] - d->w_zero : 0, part = v < -128 ? -128 : v > 127 ? 127 : v;
        first[i] = (uint8_t)part;
        second[i] = (uint8_t)(v - part);
    }
}

/* Parameters and packed weights of the channels from c on; those with a zero point take two groups for one. 0: one of them needs more than
 * 2 <= n <= 22 (as rq16_apply says). */
EQ_ONE_COPY int strip_load(const struct eq_dwconv_s8_u8_s8 *d, size_t c, size_t vectors, struct strip *s) {
    const size_t heights = (d->kh + KR - 1) / KR;
    int32_t *bias = (void *)s->bias, *m = (void *)s->m, *m_odd = (void *)s->m_odd, *round = (void *)s->round, *right = (void *)s->right;
    const size_t groups = heights * d->kw;
    s->taps = d->w_zero ? 2 * groups : groups;
    for (size_t e = 0; e < NR * vectors; e++) {
        const size_t o = c + e / 4 % 2 * 4 * vectors + e / 8 * 4 + e % 4;
        const int32_t n = d->rq.n[o];
        if (n < 2 || n > 22) return 0;
        bias[e] = d->rq.bias[o];
        m[e] = d->rq.m[o];
        m_odd[e ^ 1] = m[e];
        round[e] = ((int32_t)1 << (n - 2)) + d->y_zero * ((int32_t)1 << (n - 1));
        right[e] = n - 1;
        const int8_t *w = d->w + (o / NR * groups * NR + o % NR) * KR;
        uint32_t above[2] = {0};
        for (size_t t = 0, h = 0; t < groups; t++, h = h + 1 < heights ? h + 1 : 0, w += NR * KR) {
            uint32_t now[2];
            if (d->w_zero) strip_split(d, w, KR * h, (uint8_t *)now, (uint8_t *)(now + 1));
            else memcpy(now, w, KR);
            for (size_t i = 0; i < s->taps / groups; i++) {
                struct group *g = &s->groups[i * groups + t];
                const uint32_t next = now[i] << 8 | (h ? above[i] : 0);
                above[i] = now[i] >> 24;
                memcpy((uint8_t *)g->w[0] + 4 * e, &now[i], sizeof next);
                memcpy((uint8_t *)g->w[1] + 4 * e, &next, sizeof next);
            }
        }
    }
    s->lo = _mm256_set1_epi8((char)d->lo);
    s->hi = _mm256_set1_epi8((char)d->hi);
    s->step = d->stride_w * heights * vectors * VECTOR;
    for (size_t t = 0; t < s->taps; t++)
        s->groups[t].at = (t % groups / heights * d->dilation_w * heights + t % heights) * vectors * VECTOR;
    return 1;
}

/* 8 V channels, half of them in each lane. */
EQ_INLINE __m256i strip_channels(const int8_t *x, const int vectors) {
    if (vectors == 4) return _mm256_loadu_si256((const __m256i *)x);
    if (vectors == 2) return _mm256_permute4x64_epi64(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)x)), 0x10);
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(_mm_loadl_epi64((const __m128i *)x)),
                                       _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
}

/* A column of four lines, as x + 128. */
EQ_INLINE void strip_column(const int8_t *const line[KR], size_t at, const int vectors, uint8_t *buffer) {
    __m256i r[KR];
    for (int i = 0; i < KR; i++) r[i] = _mm256_xor_si256(strip_channels(line[i] + at, vectors), _mm256_set1_epi8(INT8_MIN));
    __m256i *to = (__m256i *)buffer;
    const __m256i a = _mm256_unpacklo_epi8(r[0], r[1]), b = _mm256_unpacklo_epi8(r[2], r[3]);
    _mm256_storeu_si256(to, _mm256_unpacklo_epi16(a, b));
    if (vectors > 1) _mm256_storeu_si256(to + 1, _mm256_unpackhi_epi16(a, b));
    if (vectors > 2) {
        const __m256i c = _mm256_unpackhi_epi8(r[0], r[1]), e = _mm256_unpackhi_epi8(r[2], r[3]);
        _mm256_storeu_si256(to + 2, _mm256_unpacklo_epi16(c, e));
        _mm256_storeu_si256(to + 3, _mm256_unpackhi_epi16(c, e));
    }
}

EQ_INLINE void strip_columns(const int8_t *const line[KR], size_t at, size_t columns, size_t apart, const int vectors, uint8_t *buffer,
                             size_t step) {
    for (; columns > 0; columns--, at += apart, buffer += step) strip_column(line, at, vectors, buffer);
}

EQ_INLINE __m256i strip_requantize(const struct strip *s, int j, __m256i acc) {
    const __m256i even = _mm256_mul_epi32(acc, s->m[j]), odd = _mm256_mul_epi32(odd_down(acc), s->m_odd[j]);
    return _mm256_srav_epi32(_mm256_add_epi32(_mm256_blend_epi32(odd_down(even), odd, 0xaa), s->round[j]), s->right[j]);
}

EQ_INLINE void strip_store(const struct strip *s, const __m256i v[MOST], const int vectors, int8_t *y) {
    const __m256i low = _mm256_packs_epi32(v[0], v[vectors > 1 ? 1 : 0]), high = vectors > 2 ? _mm256_packs_epi32(v[2], v[3]) : low;
    const __m256i bytes = _mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(low, high), s->lo), s->hi);
    const __m128i first = _mm256_castsi256_si128(bytes), second = _mm256_extracti128_si256(bytes, 1);
    if (vectors == 4) _mm256_storeu_si256((__m256i *)y, bytes);
    else if (vectors == 2) _mm_storeu_si128((__m128i *)y, _mm_unpacklo_epi64(first, second));
    else _mm_storel_epi64((__m128i *)y, _mm_unpacklo_epi32(first, second));
}

/* Pixels out of the buffer. */
EQ_INLINE void strip_run(const struct strip *s, const uint8_t *b, size_t pixels, int8_t *y, size_t y_step, size_t y_row, const int vectors,
                         const int rows) {
    const struct group *end = s->groups + s->taps;
    for (; pixels > 0; pixels--, b += s->step, y += y_step) {
        __m256i acc[2][MOST];
        for (int r = 0; r < rows; r++)
            for (int j = 0; j < vectors; j++) acc[r][j] = s->bias[j];
        for (const struct group *g = s->groups; g < end; g++)
            for (int j = 0; j < vectors; j++) {
                const __m256i v = _mm256_loadu_si256((const __m256i *)(b + g->at) + j);
                for (int r = 0; r < rows; r++) acc[r][j] = _mm256_dpbusd_avx_epi32(acc[r][j], v, g->w[r][j]);
            }
        for (int j = 0; j < vectors; j++)
            for (int r = 0; r < rows; r++) acc[r][j] = strip_requantize(s, j, acc[r][j]);
        for (int r = 0; r < rows; r++) strip_store(s, acc[r], vectors, y + (size_t)r * y_row);
    }
}
#endif
