#include "avx512_signs.h"

/* The first `left` of 16 or 64 bytes. */
EQ_INLINE void store16(int8_t *y, size_t left, __m128i v) {
    if (__builtin_expect(left >= 16, 1)) _mm_storeu_si128((__m128i *)y, v);
    else _mm_mask_storeu_epi8(y, (__mmask16)((1u << left) - 1), v);
}
EQ_INLINE void store64(int8_t *y, size_t left, __m512i v) {
    if (__builtin_expect(left >= 64, 1)) _mm512_storeu_si512(y, v);
    else _mm512_mask_storeu_epi8(y, (UINT64_C(1) << left) - 1, v);
}

/* Any channel parameters; sums of one row. */
EQ_RARE void store_any(const struct eq_gemm_s8_b1_b1 *g, const struct rq16 *rq, size_t o, int8_t *y, int wide, const __m512i *sum) {
    for (size_t at = o; at < g->signs.n && wide > 0; at += HALF, wide--, rq++)
        store16(y + at, g->signs.n - at, rq16_bytes(rq, rq16_apply_any(rq, *sum++)));
}

EQ_INLINE void store(const struct eq_gemm_s8_b1_b1 *g, const struct rq16 *rq, size_t o, int8_t *y, const int wide, __m512i sum[WIDE]) {
    EQ_UNROLL
    for (int j = 0; j < wide; j++) sum[j] = rq16_apply(&rq[j], sum[j]);
    if (wide == WIDE) {
        store64(y + o, g->signs.n - o, rq16_bytes4(rq, sum[0], sum[1], sum[2], sum[3]));
    } else {
        store16(y + o, g->signs.n - o, rq16_bytes(&rq[0], sum[0]));
        if (o + HALF < g->signs.n) store16(y + o + HALF, g->signs.n - o - HALF, rq16_bytes(&rq[1], sum[1]));
    }
}

EQ_INLINE void tile(const struct eq_gemm_s8_b1_b1 *g, const struct rq16 *rq, size_t o, size_t first, const int rows, const int wide) {
    __m512i acc[ROWS][WIDE];
    int8_t *y = g->y + first * g->y_stride;
    int short_way = 1;
    count(&g->signs, o, first, rows, wide, acc);
    for (int j = 0; j < wide; j++) short_way &= rq[j].short_way;
    EQ_UNROLL
    for (int i = 0; i < rows; i++, y += g->y_stride) {
        __m512i sum[WIDE];
        for (int j = 0; j < wide; j++)
            sum[j] = _mm512_sub_epi32(base_of(&g->signs, first + (size_t)i, o, j), _mm512_slli_epi32(acc[i][j], 1));
        if (__builtin_expect(short_way, 1)) store(g, rq, o, y, wide, sum);
        else store_any(g, rq, o, y, wide, sum);
    }
}

EQ_INLINE void channels(const struct eq_gemm_s8_b1_b1 *g, size_t o, const int wide) {
    struct rq16 rq[WIDE];
    for (int j = 0; j < wide; j++) {
        const size_t at = o + HALF * (size_t)j;
        rq[j] = rq16_from(_mm512_setzero_si512(), _mm512_loadu_si512(g->m + at), _mm_loadu_si128((const void *)(g->n + at)), g->y_zero,
                          g->lo, g->hi);
    }
    EQ_SIGNS_ROWS(g, rq, o, wide, tile);
}

void eq_gemm_s8_b1_b1__avx512_vpopcntdq(const struct eq_gemm_s8_b1_b1 *args) {
    const struct eq_gemm_s8_b1_b1 local = *args, *g = &local; /* which no store can change */
    EQ_SIGNS_TILES(g, channels);
}
