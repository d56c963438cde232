/* Weights of 8 channels x 2 inputs fill one register once widened to 16 bits, and meet a broadcast pair of activations in one
 * multiply-add. Sums of 32 bits hold those of 255 pairs; then they join sums of 64. */
#include "avx2.h"

enum { NR = 8, KR = 2, ROWS = 4, WIDE = 4 /* blocks of a tile of one row */, EXACT = 255 * KR };

/* Of 8 channels, 4 in each register. */
struct rq16 {
    __m256i bias[2], m[2], half[2], right[2];
};

EQ_INLINE struct rq16 rq16_from(const int32_t *bias, const int32_t *m, const int8_t *n) {
    struct rq16 r;
    for (int i = 0; i < 2; i++, bias += 4, m += 4, n += 4) {
        int32_t four;
        memcpy(&four, n, sizeof four);
        const __m256i wide = _mm256_cvtepi8_epi64(_mm_cvtsi32_si128(four));
        r.bias[i] = _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i *)bias));
        r.m[i] = _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i *)m));
        r.half[i] = _mm256_sllv_epi64(_mm256_set1_epi64x(1), _mm256_add_epi64(wide, _mm256_set1_epi64x(30)));
        r.right[i] = _mm256_add_epi64(wide, _mm256_set1_epi64x(15));
    }
    return r;
}

/* Channels o .. o + count - 1; the lanes beyond give 0. */
EQ_INLINE struct rq16 rq16_load(const struct eq_rq *rq, size_t o, size_t count) {
    if (count >= NR) return rq16_from(rq->bias + o, rq->m + o, rq->n + o);
    int32_t bias[NR] = {0}, m[NR] = {0};
    int8_t n[NR] = {0};
    memcpy(bias, rq->bias + o, 4 * count);
    memcpy(m, rq->m + o, 4 * count);
    memcpy(n, rq->n + o, count);
    return rq16_from(bias, m, n);
}

/* v >> right with its sign: 2^63, which makes v positive, is divided without a rest. */
EQ_INLINE __m256i shift_right(__m256i v, __m256i right) {
    const __m256i top = _mm256_set1_epi64x(INT64_MIN);
    return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_xor_si256(v, top), right), _mm256_srlv_epi64(top, right));
}

/* eq_requantize_wide of 4 sums, and the clamp. mul_epi32 reads the low dword of each: bits 16 to 47 of a sum are its high part. */
EQ_INLINE __m256i rq16_apply(const struct rq16 *r, const int i, __m256i acc, __m256i lo, __m256i hi) {
    acc = _mm256_add_epi64(acc, r->bias[i]);
    const __m256i low = _mm256_and_si256(acc, _mm256_set1_epi64x(0xffff)), high = _mm256_srli_epi64(acc, 16);
    const __m256i rest = _mm256_srli_epi64(_mm256_add_epi64(_mm256_mul_epi32(low, r->m[i]), r->half[i]), 16);
    __m256i v = shift_right(_mm256_add_epi64(_mm256_mul_epi32(high, r->m[i]), rest), r->right[i]);
    v = _mm256_blendv_epi8(v, lo, _mm256_cmpgt_epi64(lo, v));
    return _mm256_blendv_epi8(v, hi, _mm256_cmpgt_epi64(v, hi));
}

/* The low dwords of 8 values, which fit in 16 bits. */
EQ_INLINE __m128i narrow(__m256i first, __m256i second) {
    const __m256 both = _mm256_shuffle_ps(_mm256_castsi256_ps(first), _mm256_castsi256_ps(second), 0x88);
    const __m256i dwords = _mm256_permute4x64_epi64(_mm256_castps_si256(both), 0xd8);
    return _mm_packs_epi32(_mm256_castsi256_si128(dwords), _mm256_extracti128_si256(dwords, 1));
}

EQ_INLINE void store(int16_t *y, __m128i v, size_t count) {
    int16_t words[NR];
    if (count >= NR) {
        _mm_storeu_si128((__m128i *)y, v);
    } else {
        _mm_storeu_si128((__m128i *)words, v);
        memcpy(y, words, count * sizeof *y);
    }
}

/* Any blocks of any rows, sums [rows][blocks][2]. */
EQ_ONE_COPY void finish(const struct eq_gemm_s16_s16_s8 *g, size_t at, int rows, int blocks, const __m256i *sums) {
    const __m256i lo = _mm256_set1_epi64x(g->lo), hi = _mm256_set1_epi64x(g->hi);
    for (int j = 0; j < blocks; j++, at += NR) {
        const size_t count = g->n - at;
        const struct rq16 rq = rq16_load(&g->rq, at, count);
        for (int i = 0; i < rows; i++) {
            const __m256i *sum = sums + 2 * (i * blocks + j);
            store(g->y + (size_t)i * g->y_stride + at, narrow(rq16_apply(&rq, 0, sum[0], lo, hi), rq16_apply(&rq, 1, sum[1], lo, hi)),
                  count);
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
