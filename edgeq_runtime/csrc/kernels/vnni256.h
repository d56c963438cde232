/* The vector words of vnni_low.h in 256 bits. */
#ifndef EQ_KERNELS_VNNI256_H
#define EQ_KERNELS_VNNI256_H
#include "avx2.h"

typedef __m256i vec;
enum {
    NR = 8,
    KR = 4,
    ROWS = 6,
    FEW = 4 /* rows of the tiles of two blocks */,
    APART = 1 /* whether sums of groups are added by a function: registers are few */,
    WIDE = 4 /* blocks of a single row */
};

EQ_INLINE vec v_load(const void *at) { return _mm256_loadu_si256(at); }
EQ_INLINE void v_store(vec *to, vec v) { _mm256_storeu_si256(to, v); }
EQ_INLINE vec v_bytes(int b) { return _mm256_set1_epi8((char)b); }
EQ_INLINE vec v_words(int32_t w) { return _mm256_set1_epi32(w); }
EQ_INLINE vec v_and(vec a, vec b) { return _mm256_and_si256(a, b); }
/* v & b in each byte, with b in memory. */
EQ_INLINE vec v_keep(vec v, uint8_t b) {
    static const uint8_t all[][32] = {{0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
                                       0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0},
                                      {0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0,
                                       0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0}};
    const uint8_t *at = all[b == 0xf0];
    __asm__("" : "+r"(at));
    return v_and(v, v_load(at));
}
EQ_INLINE vec v_xor(vec a, vec b) { return _mm256_xor_si256(a, b); }
EQ_INLINE vec v_sub8(vec a, vec b) { return _mm256_sub_epi8(a, b); }
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

/* Of weights of bytes. */
void eq_gemm_s8_u8_s8__avx_vnni(const struct eq_gemm_s8_u8_s8 *args);
#define V_INT8 eq_gemm_s8_u8_s8__avx_vnni
/* Weights come from memory once more, not from a register that the sums need. */
#define V_RELOAD(w) __asm__ volatile("" : "+r"(w) : : "memory")
#define V_KEEP(v)   __asm__("" : "+x"(v)) /* in a register */

typedef struct rq8 v_rq;
/* Channels from o on, with sums that count 2^up-fold; 0 where a bias of more than `most` would be too large. */
EQ_ONE_COPY int v_params(const struct eq_gemm_s8_u8_s8 *g, size_t o, int up, int32_t most, v_rq *rq) {
    const vec bias = v_load(g->rq.bias + o);
    const __m128i n = _mm_loadl_epi64((const __m128i *)(g->rq.n + o));
    *rq = rq8_from(_mm256_sll_epi32(bias, _mm_cvtsi32_si128(up)), v_load(g->rq.m + o), _mm_add_epi8(n, _mm_set1_epi8((char)up)));
    const __m256i large = _mm256_cmpgt_epi32(_mm256_abs_epi32(bias), v_words(most));
    return !up || !(_mm256_movemask_epi8(large) | _mm_movemask_epi8(_mm_cmpgt_epi8(n, _mm_set1_epi8((char)(30 - up)))));
}

/* Any tile of as many blocks as there are; acc [rows][blocks]. */
EQ_SMALL void v_finish_any(const struct eq_gemm_s8_u8_s8 *g, const v_rq *rq, size_t o, int8_t *y, int rows, int blocks, size_t there,
                           const vec *acc) {
    const struct clamp8 clamp = clamp8_load(g->y_zero, g->lo, g->hi);
    for (int i = 0; i < rows; i++, y += g->y_stride, acc += blocks)
        for (size_t j = 0, at = o; j < there; j++, at += NR)
            store_bytes(y + at, clamp8_apply(&clamp, rq8_apply(&rq[j], acc[j])), g->n - at < NR ? g->n - at : NR);
}

/* Two whole blocks of an even number of rows, and no channel that is shifted left. */
EQ_INLINE void v_finish_pairs(const struct eq_gemm_s8_u8_s8 *g, const v_rq *rq, int8_t *y, const int rows, vec acc[][WIDE]) {
    const struct clamp8 clamp = clamp8_load(g->y_zero, g->lo, g->hi);
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < rows; i++) acc[i][j] = rq8_short(&rq[j], acc[i][j]);
    for (int i = 0; i < rows; i += 2, y += 2 * g->y_stride) {
        const vec bytes = clamp8_apply_pair(&clamp, acc[i][0], acc[i][1], acc[i + 1][0], acc[i + 1][1]);
        _mm_storeu_si128((__m128i *)y, _mm256_castsi256_si128(bytes));
        _mm_storeu_si128((__m128i *)(y + g->y_stride), _mm256_extracti128_si256(bytes, 1));
    }
}

EQ_INLINE void v_finish(const struct eq_gemm_s8_u8_s8 *g, const v_rq *rq, size_t o, size_t first, const int rows, const int blocks,
                        size_t there, vec acc[][WIDE]) {
    int8_t *y = g->y + first * g->y_stride;
    if (rows == ROWS && g->n - o >= 2 * NR && !(rq[0].has_left | rq[1].has_left)) {
        v_finish_pairs(g, rq, y + o, rows, acc);
        return;
    }
    vec copy[ROWS * 2];
    for (int i = 0; i < rows * blocks; i++) copy[i] = acc[i / blocks][i % blocks];
    v_finish_any(g, rq, o, y, rows, blocks, there, copy);
}
#endif
