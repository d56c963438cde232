/* The vector words of vnni_low.h in 512 bits. */
#ifndef EQ_KERNELS_VNNI512_H
#define EQ_KERNELS_VNNI512_H
#include "avx512_gemm.h"

typedef __m512i vec;
enum { ROWS = 6, FEW = 4 /* rows of the tiles of two blocks */, APART = 0 };

EQ_INLINE vec v_load(const void *at) { return _mm512_loadu_si512(at); }
EQ_INLINE void v_store(vec *to, vec v) { _mm512_storeu_si512(to, v); }
EQ_INLINE vec v_bytes(int b) { return _mm512_set1_epi8((char)b); }
EQ_INLINE vec v_words(int32_t w) { return _mm512_set1_epi32(w); }
EQ_INLINE vec v_and(vec a, vec b) { return _mm512_and_si512(a, b); }
EQ_INLINE vec v_keep(vec v, uint8_t b) { return v_and(v, v_bytes(b)); } /* of each byte */
EQ_INLINE vec v_xor(vec a, vec b) { return _mm512_xor_si512(a, b); }
EQ_INLINE vec v_sub8(vec a, vec b) { return _mm512_sub_epi8(a, b); }
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

/* Of weights of bytes. */
void eq_gemm_s8_u8_s8__avx512_vnni(const struct eq_gemm_s8_u8_s8 *args);
#define V_INT8      eq_gemm_s8_u8_s8__avx512_vnni
#define V_RELOAD(w) (void)(w)
#define V_KEEP(v)   __asm__("" : "+v"(v)) /* in a register */

typedef struct rq16 v_rq;
/* Channels from o on, with sums that count 2^up-fold; 0 where these or a bias of more than `most` would be too large. */
EQ_INLINE int v_params(const struct eq_gemm_s8_u8_s8 *g, size_t o, int up, int32_t most, v_rq *rq) {
    const vec bias = _mm512_loadu_si512(g->rq.bias + o);
    const __m128i n = _mm_loadu_si128((const __m128i *)(g->rq.n + o));
    *rq = rq16_from(_mm512_sll_epi32(bias, _mm_cvtsi32_si128(up)), _mm512_loadu_si512(g->rq.m + o),
                    _mm_add_epi8(n, _mm_set1_epi8((char)up)), g->y_zero, g->lo, g->hi);
    return !up ||
           !(_mm512_cmpgt_epi32_mask(_mm512_abs_epi32(bias), v_words(most)) | _mm_cmpgt_epi8_mask(n, _mm_set1_epi8((char)(22 - up))));
}

/* Any tile of as many blocks as there are; acc [rows][blocks]. */
EQ_SMALL void v_finish_any(const struct eq_gemm_s8_u8_s8 *g, const v_rq *rq, size_t o, int8_t *y, int rows, int blocks, size_t there,
                           const vec *acc) {
    for (int i = 0; i < rows; i++, y += g->y_stride, acc += blocks)
        for (size_t j = 0, at = o; j < there; j++, at += NR) {
            const vec v = rq[j].short_way ? rq16_apply(&rq[j], acc[j]) : rq16_apply_any(&rq[j], acc[j]);
            store16(y + at, g->n - at < NR ? g->n - at : NR, rq16_bytes(rq, v));
        }
}

EQ_INLINE void v_finish(const struct eq_gemm_s8_u8_s8 *g, const v_rq *rq, size_t o, size_t first, const int rows, const int blocks,
                        size_t there, vec acc[][WIDE]) {
    int8_t *y = g->y + first * g->y_stride;
    if ((rows == ROWS && there == 2) || (rows == 1 && there == WIDE)) {
        finish(g, rq, o, y, rows, blocks, acc);
        return;
    }
    vec copy[ROWS * 2];
    for (int i = 0; i < rows * blocks; i++) copy[i] = acc[i / blocks][i % blocks];
    v_finish_any(g, rq, o, y, rows, blocks, there, copy);
}
#endif
