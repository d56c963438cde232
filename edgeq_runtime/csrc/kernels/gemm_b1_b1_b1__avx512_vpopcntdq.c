#include "avx512_signs.h"

EQ_INLINE void tile(const struct eq_gemm_b1_b1_b1 *g, uint32_t *y, size_t o, size_t first, const int rows, const int wide) {
    __m512i acc[ROWS][WIDE];
    count(&g->signs, o, first, rows, wide, acc);
    y += first * g->y_stride;
    EQ_UNROLL
    for (int i = 0; i < rows; i++, y += g->y_stride)
        for (int j = 0; j < wide; j += 2) {
            const size_t row = first + (size_t)i;
            const __mmask16 low = _mm512_cmpgt_epi32_mask(acc[i][j], base_of(&g->signs, row, o, j));
            const __mmask16 high = _mm512_cmpgt_epi32_mask(acc[i][j + 1], base_of(&g->signs, row, o, j + 1));
            y[j / 2] = _mm512_kunpackw(high, low);
        }
}

EQ_INLINE void channels(const struct eq_gemm_b1_b1_b1 *g, size_t o, const int wide) {
    uint32_t *y = g->y + o / NR;
    EQ_SIGNS_ROWS(g, y, o, wide, tile);
}

void eq_gemm_b1_b1_b1__avx512_vpopcntdq(const struct eq_gemm_b1_b1_b1 *args) {
    const struct eq_gemm_b1_b1_b1 local = *args, *g = &local; /* which no store can change */
    EQ_SIGNS_TILES(g, channels);
}
