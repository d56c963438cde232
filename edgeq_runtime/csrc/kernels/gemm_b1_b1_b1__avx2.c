#include "avx2_signs.h"

EQ_INLINE void tile(const struct eq_gemm_b1_b1_b1 *g, uint32_t *y, size_t o, size_t first, const int rows) {
    __m256i acc[ROWS][WIDE];
    count(&g->signs, o, first, rows, acc);
    y += first * g->y_stride;
    for (int i = 0; i < rows; i++, y += g->y_stride) {
        uint32_t bits = 0;
        for (int j = 0; j < WIDE; j++) {
            const __m256i more = _mm256_cmpgt_epi32(acc[i][j], base_of(&g->signs, first + (size_t)i, o, j));
            bits |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(more)) << (EIGHT * j);
        }
        *y = bits;
    }
}

void eq_gemm_b1_b1_b1__avx2(const struct eq_gemm_b1_b1_b1 *args) {
    const struct eq_gemm_b1_b1_b1 local = *args, *g = &local; /* which no store can change */
    for (size_t o = 0; o < g->signs.n; o += NR) EQ_SIGNS_ROWS(g, g->y + o / NR, o, tile);
}
