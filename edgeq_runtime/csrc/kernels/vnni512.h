/* The vector words of vnni_low.h in 512 bits. */
#ifndef EQ_KERNELS_VNNI512_H
#define EQ_KERNELS_VNNI512_H
#include "avx512_gemm.h"

typedef __m512i vec;
enum { ROWS = 6, BLOCKS = 2 /* of a tile of ROWS */ };

EQ_INLINE vec v_load(const void *at) { return _mm512_loadu_si512(at); }
EQ_INLINE vec v_bytes(int b) { return _mm512_set1_epi8((char)b); }
EQ_INLINE vec v_words(int32_t w) { return _mm512_set1_epi32(w); }
EQ_INLINE vec v_and(vec a, vec b) { return _mm512_and_si512(a, b); }
EQ_INLINE vec v_add(vec a, vec b) { return _mm512_add_epi32(a, b); }
EQ_INLINE vec v_sub(vec a, vec b) { return _mm512_sub_epi32(a, b); }
EQ_INLINE vec v_mul(vec a, vec b) { return _mm512_mullo_epi32(a, b); }
EQ_INLINE vec v_dot(vec acc, vec x, vec w) { return _mm512_dpbusd_epi32(acc, x, w); }
#define v_up(v, bits)   _mm512_slli_epi16(v, bits)
#define v_down(v, bits) _mm512_srli_epi16(v, bits)
#define v_less(v, bits) _mm512_srai_epi32(v, bits)
/* -1 in the bytes that have the bit, 1 in all others. */
EQ_INLINE vec v_signs(vec v, int bit) {
    return _mm512_mask_blend_epi8(_mm512_test_epi8_mask(v, v_bytes(1 << bit)), v_bytes(1), v_bytes(-1));
}
/* Nibbles of h, which are high, and of l, which are low and have a sign that takes 16 from the byte. */
EQ_INLINE vec v_join(vec h, vec l) {
    return _mm512_sub_epi8(_mm512_xor_si512(_mm512_ternarylogic_epi64(v_bytes(0xf0), h, l, 0xca), v_bytes(8)), v_bytes(8));
}
EQ_INLINE vec v_times(const uint8_t *m) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)m)); }

typedef struct rq16 v_rq;
EQ_ONE_COPY v_rq v_params(const struct eq_gemm_s8_u8_s8 *g, size_t o) {
    v_rq rq;
    params(g, o, 1, &rq);
    return rq;
}

/* Of any tile: acc [rows][blocks], in memory. */
EQ_ONE_COPY void v_finish_any(const struct eq_gemm_s8_u8_s8 *g, const v_rq *rq, size_t o, size_t first, int rows, int blocks,
                              const vec *acc) {
    for (int i = 0; i < rows; i++, first++)
        for (int j = 0; j < blocks; j++, acc++) {
            const size_t at = o + NR * (size_t)j, left = g->n - at < NR ? g->n - at : NR;
            const vec sum = v_add(*acc, rq[j].bias);
            const vec v = rq[j].short_way ? rq16_apply(&rq[j], sum) : rq16_apply_any(&rq[j], sum);
            store16(g->y + first * g->y_stride + at, left, rq16_bytes(rq, v));
        }
}

EQ_INLINE void v_finish(const struct eq_gemm_s8_u8_s8 *g, const v_rq *rq, size_t o, size_t first, const int rows, const int blocks,
                        vec acc[][WIDE]) {
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) acc[i][j] = v_add(acc[i][j], rq[j].bias);
    finish(g, rq, o, g->y + first * g->y_stride, rows, blocks, acc);
}
#endif
