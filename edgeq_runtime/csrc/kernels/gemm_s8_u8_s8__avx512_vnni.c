/* Four unsigned activations of a row meet 16 channels in one instruction. Two blocks of channels and six rows at a time, or one and
 * eight; the requantization of a tile runs beside the products of the next, which use another port. */
#include "avx512_gemm.h"
#include "sum_u8.h"

EQ_INLINE size_t depth(const struct eq_gemm_s8_u8_s8 *g) { return g->parts * ((g->k + KR - 1) / KR * KR); }

EQ_INLINE void tile(const struct eq_gemm_s8_u8_s8 *g, const struct rq16 *rq, size_t o, size_t first, const int rows, const int blocks) {
    const size_t block = depth(g) * NR;
    const int8_t *w = g->w + o * depth(g);
    const uint8_t *a[8];
    uint32_t zero[8] = {0};
    __m512i acc[8][WIDE];
    for (int i = 0; i < rows; i++) a[i] = g->a + g->rows[first + (size_t)i];
    if (__builtin_expect(g->w_zero != 0, 0))
        for (int i = 0; i < rows; i++) zero[i] = zero_term(g, a[i]);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) acc[i][j] = rq[j].bias;
    if (__builtin_expect(g->w_zero != 0, 0))
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < blocks; j++) acc[i][j] = _mm512_sub_epi32(acc[i][j], _mm512_set1_epi32((int32_t)zero[i]));
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
    params(g, o, blocks, rq);
    EQ_TILES_OF_ROWS(g, rq, o, blocks, tile);
}

void eq_gemm_s8_u8_s8__avx512_vnni(const struct eq_gemm_s8_u8_s8 *g) { EQ_TILES(g, channels); }
