#include "avx2_signs.h"

/* acc [rows][WIDE]. */
EQ_SMALL void store(const struct eq_gemm_s8_b1_b1 *g, const struct rq8 *rq, size_t o, size_t first, int rows, const __m256i *acc) {
    const struct clamp8 clamp = clamp8_load(g->y_zero, g->lo, g->hi);
    for (int i = 0; i < rows; i++, first++)
        for (int j = 0; j < WIDE; j++, acc++) {
            const size_t at = o + EIGHT * (size_t)j;
            if (at >= g->signs.n) continue;
            const __m256i sum = _mm256_sub_epi32(base_of(&g->signs, first, o, j), _mm256_slli_epi32(*acc, 1));
            store_bytes(g->y + first * g->y_stride + at, clamp8_apply(&clamp, rq8_apply(&rq[j], sum)),
                        g->signs.n - at < EIGHT ? g->signs.n - at : EIGHT);
        }
}

EQ_INLINE void tile(const struct eq_gemm_s8_b1_b1 *g, const struct rq8 *rq, size_t o, size_t first, const int rows) {
    __m256i acc[ROWS][WIDE], copy[ROWS * WIDE];
    count(&g->signs, o, first, rows, acc);
    for (int i = 0; i < rows * WIDE; i++) copy[i] = acc[i / WIDE][i % WIDE];
    store(g, rq, o, first, rows, copy);
}

EQ_INLINE void channels(const struct eq_gemm_s8_b1_b1 *g, size_t o) {
    struct rq8 rq[WIDE];
    for (int j = 0; j < WIDE; j++) {
        const size_t at = o + EIGHT * (size_t)j;
        rq[j] = rq8_from(_mm256_setzero_si256(), _mm256_loadu_si256((const __m256i *)(const void *)(g->m + at)),
                         _mm_loadl_epi64((const __m128i *)(const void *)(g->n + at)));
    }
    EQ_SIGNS_ROWS(g, rq, o, tile);
}

void eq_gemm_s8_b1_b1__avx2(const struct eq_gemm_s8_b1_b1 *args) {
    const struct eq_gemm_s8_b1_b1 local = *args, *g = &local; /* which no store can change */
    for (size_t o = 0; o < g->signs.n; o += NR) channels(g, o);
}
