/* Four unsigned activations of a row meet 8 channels in one instruction. Two blocks of channels and six rows at a time, one block and
 * eight, or four blocks of a single row: sums that do not wait for each other, and the registers hold them. */
#include "avx2.h"
#include "sum_u8.h"

enum { NR = 8, KR = 4, MOST = 8 /* rows */, WIDE = 4 /* blocks of a single row */ };

EQ_INLINE size_t depth(const struct eq_gemm_s8_u8_s8 *g) { return g->parts * ((g->k + KR - 1) / KR * KR); }

EQ_INLINE struct rq8 params(const struct eq_gemm_s8_u8_s8 *g, size_t o) { return rq8_load(&g->rq, o, NR); }

/* Any channel parameters, any blocks; acc [rows][blocks]. */
EQ_RARE void finish(const struct eq_gemm_s8_u8_s8 *g, size_t o, int8_t *y, int rows, int blocks, const __m256i *acc) {
    const struct clamp8 clamp = clamp8_load(g->y_zero, g->lo, g->hi);
    for (int j = 0; j < blocks; j++, o += NR) {
        const struct rq8 rq = params(g, o);
        for (int i = 0; i < rows; i++)
            store_bytes(y + (size_t)i * g->y_stride + o, clamp8_apply(&clamp, rq8_apply(&rq, acc[i * blocks + j])),
                        g->n - o < NR ? g->n - o : NR);
    }
}

/* Two whole blocks of an even number of rows, and no channel that is shifted left. */
EQ_INLINE void finish_pairs(const struct eq_gemm_s8_u8_s8 *g, size_t o, int8_t *y, const int rows, __m256i acc[][WIDE]) {
    const struct clamp8 clamp = clamp8_load(g->y_zero, g->lo, g->hi);
    for (int j = 0; j < 2; j++) {
        struct rq8 rq = params(g, o + (size_t)j * NR);
        rq.has_left = 0;
        for (int i = 0; i < rows; i++) acc[i][j] = rq8_apply(&rq, acc[i][j]);
    }
    y += o;
    for (int i = 0; i < rows; i += 2, y += 2 * g->y_stride) {
        const __m256i bytes = clamp8_apply_pair(&clamp, acc[i][0], acc[i][1], acc[i + 1][0], acc[i + 1][1]);
        _mm_storeu_si128((__m128i *)y, _mm256_castsi256_si128(bytes));
        _mm_storeu_si128((__m128i *)(y + g->y_stride), _mm256_extracti128_si256(bytes, 1));
    }
}

EQ_INLINE void tile(const struct eq_gemm_s8_u8_s8 *g, size_t o, size_t first, const int rows, const int blocks) {
    const size_t block = depth(g) * NR;
    const int8_t *w = g->w + o * depth(g);
    const uint8_t *a[MOST];
    __m256i acc[MOST][WIDE];
    for (int i = 0; i < rows; i++) a[i] = g->a + g->rows[first + (size_t)i];
    for (int j = 0; j < blocks; j++)
        for (int i = 0; i < rows; i++) acc[i][j] = _mm256_loadu_si256((const __m256i *)(g->rq.bias + o + (size_t)j * NR));
    if (__builtin_expect(g->w_zero != 0, 0)) {
        uint32_t zero[MOST];
        for (int i = 0; i < rows; i++) zero[i] = zero_term(g, a[i]);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < blocks; j++) acc[i][j] = _mm256_sub_epi32(acc[i][j], _mm256_set1_epi32((int32_t)zero[i]));
    }
    for (size_t p = 0; p < g->parts; p++) {
        const ptrdiff_t begin = g->parts_at[p], end = begin + (ptrdiff_t)g->k;
        for (ptrdiff_t k = begin; k < end; k += KR, w += NR * KR) {
            __m256i b[WIDE];
            for (int j = 0; j < blocks; j++) b[j] = _mm256_loadu_si256((const __m256i *)(w + (size_t)j * block));
            for (int i = 0; i < rows; i++) {
                const __m256i v = four(a[i] + k);
                for (int j = 0; j < blocks; j++) acc[i][j] = _mm256_dpbusd_avx_epi32(acc[i][j], v, b[j]);
            }
        }
    }
    int8_t *y = g->y + first * g->y_stride;
    if (blocks == 2 && rows % 2 == 0 && g->n - o >= 2 * NR && g->n_lowest > 0) {
        finish_pairs(g, o, y, rows, acc);
        return;
    }
    __m256i copy[MOST * WIDE];
    for (int i = 0; i < rows * blocks; i++) copy[i] = acc[i / blocks][i % blocks];
    finish(g, o, y, rows, blocks, copy);
}

/* What is left of all tiles. */
EQ_ONE_COPY void one(const struct eq_gemm_s8_u8_s8 *g, size_t o, size_t row) { tile(g, o, row, 1, 1); }

void eq_gemm_s8_u8_s8__avx_vnni(const struct eq_gemm_s8_u8_s8 *args) {
    const struct eq_gemm_s8_u8_s8 g = *args; /* which no store can change */
    size_t o = 0, i = 0;
    if (g.m == 1)
        for (; o + NR * (WIDE - 1) < g.n; o += NR * WIDE) tile(&g, o, 0, 1, WIDE);
    for (; o + NR < g.n; o += 2 * NR) {
        for (i = 0; i + 6 <= g.m; i += 6) tile(&g, o, i, 6, 2);
        for (; i + 2 <= g.m; i += 2) tile(&g, o, i, 2, 2);
        if (i < g.m) one(&g, o, i), one(&g, o + NR, i);
    }
    if (o >= g.n) return;
    for (i = 0; i + MOST <= g.m; i += MOST) tile(&g, o, i, MOST, 1);
    for (; i < g.m; i++) one(&g, o, i);
}
