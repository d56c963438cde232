/* The vector words of vnni_low.h in 256 bits. */
#ifndef EQ_KERNELS_VNNI256_H
#define EQ_KERNELS_VNNI256_H
#include "avx2.h"

typedef __m256i vec;
enum { NR = 8, KR = 4, ROWS = 4, BLOCKS = 2 /* of a tile of ROWS */, WIDE = 4 /* blocks of a single row */ };

EQ_INLINE vec v_load(const void *at) { return _mm256_loadu_si256(at); }
EQ_INLINE vec v_bytes(int b) { return _mm256_set1_epi8((char)b); }
EQ_INLINE vec v_words(int32_t w) { return _mm256_set1_epi32(w); }
EQ_INLINE vec v_and(vec a, vec b) { return _mm256_and_si256(a, b); }
EQ_INLINE vec v_add(vec a, vec b) { return _mm256_add_epi32(a, b); }
EQ_INLINE vec v_sub(vec a, vec b) { return _mm256_sub_epi32(a, b); }
EQ_INLINE vec v_mul(vec a, vec b) { return _mm256_mullo_epi32(a, b); }
EQ_INLINE vec v_dot(vec acc, vec x, vec w) { return _mm256_dpbusd_avx_epi32(acc, x, w); }
#define v_up(v, bits)   _mm256_slli_epi16(v, bits)
#define v_down(v, bits) _mm256_srli_epi16(v, bits)
#define v_less(v, bits) _mm256_srai_epi32(v, bits)
/* -1 in the bytes that have the bit, 1 in all others. */
EQ_INLINE vec v_signs(vec v, int bit) {
    return _mm256_or_si256(_mm256_cmpeq_epi8(v_and(v, v_bytes(1 << bit)), v_bytes(1 << bit)), v_bytes(1));
}
/* Nibbles of h, which are high, and of l, which are low and have a sign that takes 16 from the byte. */
EQ_INLINE vec v_join(vec h, vec l) {
    const vec low = _mm256_xor_si256(v_and(l, v_bytes(0x0f)), v_bytes(8));
    return _mm256_sub_epi8(_mm256_or_si256(v_and(h, v_bytes(0xf0)), low), v_bytes(8));
}
EQ_INLINE vec v_times(const uint8_t *m) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)m)); }

EQ_INLINE __m256i four(const uint8_t *a) {
    int32_t v;
    memcpy(&v, a, sizeof v);
    return _mm256_set1_epi32(v);
}

typedef struct rq8 v_rq;
EQ_ONE_COPY v_rq v_params(const struct eq_gemm_s8_u8_s8 *g, size_t o) { return rq8_load(&g->rq, o, NR); }

/* Of any tile: acc [rows][blocks], in memory. */
EQ_ONE_COPY void v_finish_any(const struct eq_gemm_s8_u8_s8 *g, const v_rq *rq, size_t o, size_t first, int rows, int blocks,
                              const vec *acc) {
    const struct clamp8 clamp = clamp8_load(g->y_zero, g->lo, g->hi);
    for (int i = 0; i < rows; i++, first++)
        for (int j = 0; j < blocks; j++, acc++) {
            const size_t at = o + NR * (size_t)j;
            store_bytes(g->y + first * g->y_stride + at, clamp8_apply(&clamp, rq8_apply(&rq[j], v_add(*acc, rq[j].bias))),
                        g->n - at < NR ? g->n - at : NR);
        }
}

EQ_INLINE void v_finish(const struct eq_gemm_s8_u8_s8 *g, const v_rq *rq, size_t o, size_t first, const int rows, const int blocks,
                        vec acc[][WIDE]) {
    const struct clamp8 clamp = clamp8_load(g->y_zero, g->lo, g->hi);
    for (int j = 0; j < blocks; j++, o += NR) {
        for (int i = 0; i < rows; i++)
            store_bytes(g->y + (first + (size_t)i) * g->y_stride + o, clamp8_apply(&clamp, rq8_apply(&rq[j], v_add(acc[i][j], rq[j].bias))),
                        g->n - o < NR ? g->n - o : NR);
    }
}
#endif
