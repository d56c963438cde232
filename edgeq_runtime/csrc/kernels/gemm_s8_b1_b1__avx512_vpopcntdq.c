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

EQ_INLINE __m512i sum_of(const struct eq_gemm_s8_b1_b1 *g, size_t row, size_t o, int j, __m512i bits) {
    return _mm512_sub_epi32(base_of(&g->signs, row, o, j), _mm512_slli_epi32(bits, 1));
}

/* Any channel parameters. */
EQ_RARE void store_any(const struct eq_gemm_s8_b1_b1 *g, const struct rq16 *rq, size_t o, size_t first, int rows, int wide,
                       const __m512i *acc) {
    for (int i = 0; i < rows; i++, first++, acc += WIDE)
        for (int j = 0; j < wide; j++) {
            const size_t at = o + HALF * (size_t)j;
            if (at >= g->signs.n) continue;
            store16(g->y + first * g->y_stride + at, g->signs.n - at,
                    rq16_bytes(rq, rq16_apply_any(&rq[j], sum_of(g, first, o, j, acc[j]))));
        }
}

EQ_INLINE void store_row(const struct eq_gemm_s8_b1_b1 *g, const struct rq16 *rq, size_t o, size_t row, int wide, const __m512i *acc) {
    __m512i sum[WIDE];
    EQ_UNROLL
    for (int j = 0; j < WIDE; j++) sum[j] = rq16_apply(&rq[j], sum_of(g, row, o, j < wide ? j : 0, acc[j]));
    store64(g->y + row * g->y_stride + o, g->signs.n - o, rq16_bytes4(rq, sum[0], sum[1], sum[2], sum[3]));
}

/* Rows of differing bits, [rows][WIDE], to bytes. rq: of WIDE registers of channels, be they there or not. */
EQ_ONE_COPY void store(const struct eq_gemm_s8_b1_b1 *g, const struct rq16 *rq, size_t o, size_t first, int rows, int wide,
                       const __m512i *acc) {
    for (int i = 0; i < rows; i++) store_row(g, rq, o, first + (size_t)i, wide, acc + i * WIDE);
}

EQ_INLINE void tile(const struct eq_gemm_s8_b1_b1 *g, const struct rq16 *rq, size_t o, size_t first, const int rows, const int wide) {
    __m512i acc[ROWS][WIDE], copy[ROWS * WIDE];
    const int short_way = rq[0].short_way & rq[1].short_way & rq[2].short_way & rq[3].short_way;
    count(&g->signs, o, first, rows, wide, acc);
    if (__builtin_expect(short_way, 1) && rows == ROWS && wide == WIDE) {
        EQ_UNROLL
        for (int i = 0; i < rows; i++) store_row(g, rq, o, first + (size_t)i, wide, acc[i]);
        return;
    }
    for (int i = 0; i < rows * WIDE; i++) copy[i] = acc[i / WIDE][i % WIDE % wide];
    if (__builtin_expect(short_way, 1)) store(g, rq, o, first, rows, wide, copy);
    else store_any(g, rq, o, first, rows, wide, copy);
}

EQ_INLINE void channels(const struct eq_gemm_s8_b1_b1 *g, size_t o, const int wide) {
    struct rq16 rq[WIDE];
    for (int j = 0; j < WIDE; j++) {
        const size_t at = o + HALF * (size_t)(j % wide);
        rq[j] = rq16_from(_mm512_setzero_si512(), _mm512_loadu_si512(g->m + at), _mm_loadu_si128((const void *)(g->n + at)), g->y_zero,
                          g->lo, g->hi);
    }
    EQ_SIGNS_ROWS(g, rq, o, wide, tile);
}

void eq_gemm_s8_b1_b1__avx512_vpopcntdq(const struct eq_gemm_s8_b1_b1 *args) {
    const struct eq_gemm_s8_b1_b1 local = *args, *g = &local; /* which no store can change */
    EQ_SIGNS_TILES(g, channels);
}
