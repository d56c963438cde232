/* How a tile of the matrix products of NEON without sdot ends: 4 rows of 4 channels, or a row of 16. */
#ifndef EQ_KERNELS_NEON_ROWS_H
#define EQ_KERNELS_NEON_ROWS_H
#include "neon.h"

enum { NR = 4, ROWS = 4, WIDE = 4 /* blocks of a tile of one row */ };

EQ_INLINE int32x4_t sum_lanes(const int32x4_t v[NR]) { return vpaddq_s32(vpaddq_s32(v[0], v[1]), vpaddq_s32(v[2], v[3])); }

/* 4 vectors of sums of 4 channels each: 4 rows of one block (rows > 1), or 4 blocks of one row. */
EQ_INLINE int8x16_t requantized(const struct eq_gemm_s8_s8_s8 *g, size_t at, const int rows, const int8_t *const a[ROWS], int32x4_t v[4]) {
    const struct clamp16 clamp = clamp16_load(g->y_zero, g->lo, g->hi);
    const size_t step = rows > 1 ? 0 : NR;
    for (size_t i = 0; i < 4; i++) v[i] = vaddq_s32(v[i], vld1q_s32(g->rq.bias + at + i * step));
    if (__builtin_expect(g->w_zero != 0, 0))
        for (int i = 0; i < 4; i++) v[i] = vsubq_s32(v[i], vdupq_n_s32((int32_t)zero_term(g, a[rows > i ? i : 0])));
    if (__builtin_expect(g->n_lowest < 1, 0))
        for (size_t i = 0; i < 4; i++) v[i] = vqshlq_s32(v[i], left4(g->rq.n + at + i * step));
    for (size_t i = 0; i < 4; i++)
        v[i] = vrshlq_s32(vqdmulhq_s32(v[i], vld1q_s32(g->rq.m + at + i * step)), right4(g->rq.n + at + i * step));
    return clamp16_apply(&clamp, vqmovn_high_s32(vqmovn_s32(v[0]), v[1]), vqmovn_high_s32(vqmovn_s32(v[2]), v[3]));
}

EQ_INLINE void store_rows(const struct eq_gemm_s8_s8_s8 *g, size_t row, size_t at, const int rows, int8x16_t bytes) {
    const int32x4_t words = vreinterpretq_s32_s8(bytes);
    const int32_t out[ROWS] = {vgetq_lane_s32(words, 0), vgetq_lane_s32(words, 1), vgetq_lane_s32(words, 2), vgetq_lane_s32(words, 3)};
    int8_t *y = g->y + row * g->y_stride + at;
    if (g->n - at >= NR)
        for (int i = 0; i < rows; i++, y += g->y_stride) memcpy(y, &out[i], NR);
    else
        for (int i = 0; i < rows; i++, y += g->y_stride) memcpy(y, &out[i], g->n - at);
}

/* The sums v of all rows, or of all blocks of one; first: where each row begins. */
EQ_INLINE void finish_tile(const struct eq_gemm_s8_s8_s8 *g, size_t row, size_t at, const int rows, const int blocks,
                           const int8_t *const first[ROWS], int32x4_t v[4]) {
    const int8x16_t bytes = requantized(g, at, rows, first, v);
    if (rows > 1 || blocks == 1) store_rows(g, row, at, rows, bytes);
    else if (g->n - at >= WIDE * NR) vst1q_s8(g->y + row * g->y_stride + at, bytes);
    else memcpy(g->y + row * g->y_stride + at, &bytes, g->n - at);
}
#endif
