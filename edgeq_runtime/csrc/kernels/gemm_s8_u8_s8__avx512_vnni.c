/* Four unsigned activations of a row meet 16 channels in one instruction. Two blocks of channels and six rows at a time, or one and
 * eight; the requantization of a tile runs beside the products of the next, which use another port. */
#include "avx512.h"

enum { NR = 16, KR = 4, WIDE = 4 /* blocks of a single row */ };

struct rows {
    const uint8_t *a[8];
    int8_t *y;
    __m512i zero[8]; /* what w_zero takes */
};

EQ_INLINE __m512i four(const uint8_t *a) {
    int32_t v;
    memcpy(&v, a, sizeof v);
    return _mm512_set1_epi32(v);
}

static uint32_t zero_term(const struct eq_gemm_s8_u8_s8 *g, const uint8_t *a) {
    uint32_t sum = 0;
    for (size_t p = 0; p < g->parts; p++)
        for (size_t i = 0; i < g->k; i++) sum += a[g->parts_at[p] + (ptrdiff_t)i];
    return sum * (uint32_t)g->w_zero;
}

EQ_INLINE size_t depth(const struct eq_gemm_s8_u8_s8 *g) { return g->parts * ((g->k + KR - 1) / KR * KR); }

EQ_INLINE void store(const struct eq_gemm_s8_u8_s8 *g, const struct rq16 *rq, int8_t *y, size_t o, __m512i v) {
    const size_t left = g->n - o;
    const __mmask16 on = left < NR ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;
    _mm_mask_storeu_epi8(y + o, on, rq16_bytes(rq, v));
}

/* Rows x blocks values from channel o on. */
EQ_INLINE void finish(const struct eq_gemm_s8_u8_s8 *g, const struct rq16 *rq, size_t o, int8_t *y, const int rows, const int blocks,
                      __m512i acc[][WIDE]) {
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) acc[i][j] = rq16_apply(&rq[j], acc[i][j]);
    if (g->n - o < NR * (size_t)blocks || rows * blocks % 4 != 0 || blocks > 2) {
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < blocks && o + NR * (size_t)j < g->n; j++)
                store(g, rq, y + (size_t)i * g->y_stride, o + NR * (size_t)j, acc[i][j]);
        return;
    }
    y += o;
    for (int i = 0; i < rows; i += 4 / blocks, y += 4 / (size_t)blocks * g->y_stride) {
        if (blocks == 2) {
            const __m512i v = rq16_bytes4(rq, acc[i][0], acc[i][1], acc[i + 1][0], acc[i + 1][1]);
            _mm256_storeu_si256((__m256i *)y, _mm512_castsi512_si256(v));
            _mm256_storeu_si256((__m256i *)(y + g->y_stride), _mm512_extracti64x4_epi64(v, 1));
        } else {
            const __m512i v = rq16_bytes4(rq, acc[i][0], acc[i + 1][0], acc[i + 2][0], acc[i + 3][0]);
            _mm_storeu_si128((__m128i *)y, _mm512_castsi512_si128(v));
            _mm_storeu_si128((__m128i *)(y + g->y_stride), _mm512_extracti32x4_epi32(v, 1));
            _mm_storeu_si128((__m128i *)(y + 2 * g->y_stride), _mm512_extracti32x4_epi32(v, 2));
            _mm_storeu_si128((__m128i *)(y + 3 * g->y_stride), _mm512_extracti32x4_epi32(v, 3));
        }
    }
}

EQ_INLINE void tile(const struct eq_gemm_s8_u8_s8 *g, const struct rq16 *rq, size_t o, size_t first, const int rows, const int blocks) {
    const size_t block = depth(g) * NR;
    const int8_t *w = g->w + o * depth(g);
    const uint8_t *a[8];
    __m512i acc[8][WIDE];
    for (int i = 0; i < rows; i++) {
        a[i] = g->a + g->rows[first + (size_t)i];
        const __m512i zero = _mm512_set1_epi32(g->w_zero ? (int32_t)zero_term(g, a[i]) : 0);
        for (int j = 0; j < blocks; j++) acc[i][j] = _mm512_sub_epi32(rq[j].bias, zero);
    }
    for (size_t p = 0; p < g->parts; p++) {
        const ptrdiff_t begin = g->parts_at[p], end = begin + (ptrdiff_t)g->k;
        for (ptrdiff_t k = begin; k < end; k += KR, w += NR * KR) {
            __m512i b[WIDE];
            for (int j = 0; j < blocks; j++) b[j] = _mm512_loadu_si512(w + (size_t)j * block);
            for (int i = 0; i < rows; i++) {
                const __m512i v = four(a[i] + k);
                for (int j = 0; j < blocks; j++) acc[i][j] = _mm512_dpbusd_epi32(acc[i][j], v, b[j]);
            }
        }
    }
    finish(g, rq, o, g->y + first * g->y_stride, rows, blocks, acc);
}

EQ_INLINE void channels(const struct eq_gemm_s8_u8_s8 *g, size_t o, const int blocks) {
    struct rq16 rq[WIDE];
    for (int j = 0; j < blocks; j++) {
        const size_t at = o + NR * (size_t)j;
        rq[j] = rq16_from(_mm512_loadu_si512(g->rq.bias + at), _mm512_loadu_si512(g->rq.m + at),
                          _mm_loadu_si128((const __m128i *)(g->rq.n + at)), g->y_zero, g->lo, g->hi);
    }
    const size_t most = blocks == 1 ? 8 : blocks == 2 ? 6 : 1;
    size_t i = 0;
    if (blocks <= 2) {
        for (; i + most <= g->m; i += most) tile(g, rq, o, i, blocks == 1 ? 8 : 6, blocks);
        for (; i + 4 <= g->m; i += 4) tile(g, rq, o, i, 4, blocks);
        for (; i + 2 <= g->m; i += 2) tile(g, rq, o, i, 2, blocks);
    }
    for (; i < g->m; i++) tile(g, rq, o, i, 1, blocks);
}

void eq_gemm_s8_u8_s8__avx512_vnni(const struct eq_gemm_s8_u8_s8 *g) {
    size_t o = 0;
    if (g->m == 1)
        for (; o + NR * (WIDE - 1) < g->n; o += NR * WIDE) channels(g, o, WIDE);
    for (; o + NR < g->n; o += 2 * NR) channels(g, o, 2);
    if (o < g->n) channels(g, o, 1);
}
