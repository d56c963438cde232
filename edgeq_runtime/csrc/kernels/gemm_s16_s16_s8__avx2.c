/* Weights of 8 channels x 2 inputs fill one register once widened to 16 bits, and meet a broadcast pair of activations in one
 * multiply-add. Sums of 32 bits hold those of 255 pairs; then they join sums of 64. */
#include "avx2_wide.h"

enum { NR = 8, KR = 2, ROWS = 4, WIDE = 4 /* blocks of a tile of one row */, EXACT = 255 * KR };

/* Any blocks of any rows, sums [rows][blocks][2]. */
EQ_ONE_COPY void finish(const struct eq_gemm_s16_s16_s8 *g, size_t at, int rows, int blocks, const __m256i *sums) {
    const __m256i lo = _mm256_set1_epi64x(g->lo), hi = _mm256_set1_epi64x(g->hi);
    for (int j = 0; j < blocks; j++, at += NR) {
        const size_t count = g->n - at;
        const struct rq16 rq = rq16_load(&g->rq, at, count);
        for (int i = 0; i < rows; i++) {
            const __m256i *sum = sums + 2 * (i * blocks + j);
            store_wide(&rq, g->y + (size_t)i * g->y_stride + at, count, sum[0], sum[1], lo, hi);
        }
    }
}

EQ_INLINE __m256i broadcast_pair(const int16_t *a) {
    int32_t pair;
    memcpy(&pair, a, sizeof pair);
    return _mm256_set1_epi32(pair);
}

/* Some inputs, whose sums fit in 32 bits; a: of row 0, w: of block 0. */
EQ_INLINE void accumulate(const struct eq_gemm_s16_s16_s8 *g, const int16_t *a, const int8_t *w, size_t count, const int rows,
                          const int blocks, __m256i *sums) {
    const size_t block = g->k * NR;
    const int16_t *a_row[ROWS];
    __m256i acc[ROWS][WIDE];
    for (int i = 0; i < rows; i++) a_row[i] = a + (size_t)i * g->a_stride;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) acc[i][j] = _mm256_setzero_si256();
    for (size_t k = 0; k < count; k += KR, w += NR * KR) {
        __m256i b[WIDE];
        for (int j = 0; j < blocks; j++) b[j] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(w + (size_t)j * block)));
        for (int i = 0; i < rows; i++) {
            const __m256i pair = broadcast_pair(a_row[i] + k);
            for (int j = 0; j < blocks; j++) acc[i][j] = _mm256_add_epi32(acc[i][j], _mm256_madd_epi16(pair, b[j]));
        }
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) sums[i * blocks + j] = acc[i][j];
}

EQ_ONE_COPY void widen(const __m256i *sums, int count, __m256i *wide) {
    for (int i = 0; i < count; i++, wide += 2) {
        wide[0] = _mm256_add_epi64(wide[0], _mm256_cvtepi32_epi64(_mm256_castsi256_si128(sums[i])));
        wide[1] = _mm256_add_epi64(wide[1], _mm256_cvtepi32_epi64(_mm256_extracti128_si256(sums[i], 1)));
    }
}

EQ_INLINE void tile(const struct eq_gemm_s16_s16_s8 *g, size_t o, const int rows, const int blocks) {
    __m256i sums[ROWS * WIDE], wide[ROWS * WIDE * 2];
    for (int i = 0; i < 2 * rows * blocks; i++) wide[i] = _mm256_setzero_si256();
    for (size_t k = 0; k < g->k; k += EXACT) {
        accumulate(g, g->a + k, g->w + o * g->k + k * NR, g->k - k < EXACT ? g->k - k : EXACT, rows, blocks, sums);
        widen(sums, rows * blocks, wide);
    }
    finish(g, o, rows, blocks, wide);
}

EQ_INLINE void run(const struct eq_gemm_s16_s16_s8 *g, const int rows, const int blocks) {
    size_t o = 0;
    for (; o + NR * (size_t)(blocks - 1) < g->n; o += NR * (size_t)blocks) tile(g, o, rows, blocks);
    for (; o < g->n; o += NR) tile(g, o, rows, 1);
}

/* Four rows or one: the code of two and three is not worth its size. */
void eq_gemm_s16_s16_s8__avx2(const struct eq_gemm_s16_s16_s8 *g) {
    struct eq_gemm_s16_s16_s8 part = *g;
    for (size_t done = 0; done < g->m; done += part.m) {
        part.m = g->m - done >= ROWS ? ROWS : 1;
        part.a = g->a + done * g->a_stride;
        part.y = g->y + done * g->y_stride;
        if (part.m == ROWS) run(&part, ROWS, 2);
        else run(&part, 1, WIDE);
    }
}
