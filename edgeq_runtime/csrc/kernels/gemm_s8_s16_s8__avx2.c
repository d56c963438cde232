/* Weights of 8 channels x 2 inputs fill one register once widened to 16 bits, and meet a broadcast pair of activations in one
 * multiply-add: exact, where 8-bit multiply-adds would saturate. */
#include "avx2.h"

enum { NR = 8, KR = 2, ROWS = 6 };

/* What w_zero takes from every channel of row i. Unsigned: the sum of all is in range, its parts need not be. */
static uint32_t zero_term(const struct eq_gemm_s8_s16_s8 *g, size_t i) {
    int64_t sum = 0;
    for (size_t k = 0; k < g->k; k++) sum += g->a[i * g->a_stride + k];
    return (uint32_t)sum * (uint32_t)g->w_zero;
}

EQ_INLINE __m256i broadcast_pair(const int16_t *a) {
    int32_t pair;
    memcpy(&pair, a, sizeof pair);
    return _mm256_set1_epi32(pair);
}

EQ_INLINE void accumulate(const struct eq_gemm_s8_s16_s8 *g, const int8_t *w, const int rows, const int blocks, __m256i out[][4]) {
    const size_t block = g->k * NR, depth = g->k;
    const int16_t *a_row[ROWS];
    __m256i acc[ROWS][4];
    for (int i = 0; i < rows; i++) a_row[i] = g->a + (size_t)i * g->a_stride;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) acc[i][j] = out[i][j];
    for (size_t k = 0; k < depth; k += KR, w += NR * KR) {
        __m256i b[4];
        for (int j = 0; j < blocks; j++) b[j] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(w + (size_t)j * block)));
        for (int i = 0; i < rows; i++) {
            const __m256i a = broadcast_pair(a_row[i] + k);
            for (int j = 0; j < blocks; j++) acc[i][j] = _mm256_add_epi32(acc[i][j], _mm256_madd_epi16(a, b[j]));
        }
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) out[i][j] = acc[i][j];
}

/* Any blocks of any rows, acc [rows][blocks]: requantize, clamp, store. */
EQ_RARE void finish(const struct eq_gemm_s8_s16_s8 *g, size_t at, int rows, int blocks, const __m256i *acc) {
    const struct clamp8 clamp = clamp8_load(g->y_zero, g->lo, g->hi);
    for (int j = 0; j < blocks; j++, at += NR) {
        const size_t count = g->n - at < NR ? g->n - at : NR;
        const struct rq8 rq = rq8_load(&g->rq, at, count);
        for (int i = 0; i < rows; i++) {
            const __m256i v = rq8_apply(&rq, _mm256_add_epi32(acc[i * blocks + j], rq.bias));
            store_bytes(g->y + (size_t)i * g->y_stride + at, clamp8_apply(&clamp, v), count);
        }
    }
}

/* Two whole blocks of an even number of rows, with fewer instructions. */
EQ_INLINE void finish_pairs(const struct eq_gemm_s8_s16_s8 *g, size_t at, const int rows, __m256i acc[][4]) {
    const struct clamp8 clamp = clamp8_load(g->y_zero, g->lo, g->hi);
    for (int j = 0; j < 2; j++) {
        const struct rq8 rq = rq8_load(&g->rq, at + (size_t)j * NR, NR);
        for (int i = 0; i < rows; i++) acc[i][j] = rq8_apply(&rq, _mm256_add_epi32(acc[i][j], rq.bias));
    }
    for (int i = 0; i < rows; i += 2) {
        const __m256i bytes = clamp8_apply_pair(&clamp, acc[i][0], acc[i][1], acc[i + 1][0], acc[i + 1][1]);
        int8_t *y = g->y + (size_t)i * g->y_stride + at;
        _mm_storeu_si128((__m128i *)y, _mm256_castsi256_si128(bytes));
        _mm_storeu_si128((__m128i *)(y + g->y_stride), _mm256_extracti128_si256(bytes, 1));
    }
}

EQ_INLINE void tile(const struct eq_gemm_s8_s16_s8 *g, size_t o, const int rows, const int blocks, const uint32_t *zero) {
    __m256i acc[ROWS][4];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) acc[i][j] = _mm256_set1_epi32((int32_t)(0u - zero[i]));
    accumulate(g, g->w + o * g->k, rows, blocks, acc);
    if (blocks == 2 && rows % 2 == 0 && g->n - o >= 2 * NR) {
        finish_pairs(g, o, rows, acc);
        return;
    }
    __m256i copy[ROWS * 4];
    for (int i = 0; i < rows * blocks; i++) copy[i] = acc[i / blocks][i % blocks];
    finish(g, o, rows, blocks, copy);
}

EQ_INLINE void run(const struct eq_gemm_s8_s16_s8 *g, const int rows, const int blocks) {
    uint32_t zero[ROWS] = {0};
    if (g->w_zero != 0)
        for (int i = 0; i < rows; i++) zero[i] = zero_term(g, (size_t)i);
    size_t o = 0;
    for (; o + NR * (size_t)(blocks - 1) < g->n; o += NR * (size_t)blocks) tile(g, o, rows, blocks, zero);
    for (; o < g->n; o += NR) tile(g, o, rows, 1, zero);
}

/* Six, four, two rows, one: the code of three and five is not worth its size. */
void eq_gemm_s8_s16_s8__avx2(const struct eq_gemm_s8_s16_s8 *g) {
    struct eq_gemm_s8_s16_s8 part = *g;
    for (size_t done = 0; done < g->m; done += part.m) {
        const size_t left = g->m - done;
        part.m = left >= ROWS ? ROWS : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        part.a = g->a + done * g->a_stride;
        part.y = g->y + done * g->y_stride;
        if (part.m == ROWS) run(&part, ROWS, 2);
        else if (part.m == 4) run(&part, 4, 2);
        else if (part.m == 2) run(&part, 2, 2);
        else run(&part, 1, 4);
    }
}
