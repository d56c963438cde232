/* How a tile of the matrix products of NEON without sdot ends: 4 rows of 4 channels, or a row of up to 16. */
#ifndef EQ_KERNELS_NEON_ROWS_H
#define EQ_KERNELS_NEON_ROWS_H
#include "neon.h"

enum { NR = 4, ROWS = 4, WIDE = 4 /* blocks of a tile of one row */ };

EQ_INLINE int32x4_t sum_lanes(const int32x4_t v[NR]) { return add_pairs(add_pairs(v[0], v[1]), add_pairs(v[2], v[3])); }

/* 4 vectors of sums of 4 channels each, which begin at at[]. */
EQ_INLINE int8x16_t requantized(const struct eq_gemm_s8_s8_s8 *g, const size_t at[4], int32x4_t v[4]) {
    const struct clamp16 clamp = clamp16_load(g->y_zero, g->lo, g->hi);
    for (size_t i = 0; i < 4; i++) v[i] = vaddq_s32(v[i], vld1q_s32(g->rq.bias + at[i]));
    if (__builtin_expect(g->n_lowest < 1, 0))
        for (size_t i = 0; i < 4; i++) v[i] = vqshlq_s32(v[i], left4(g->rq.n + at[i]));
    for (size_t i = 0; i < 4; i++) v[i] = vrshlq_s32(vqdmulhq_s32(v[i], vld1q_s32(g->rq.m + at[i])), right4(g->rq.n + at[i]));
    return clamp16_apply(&clamp, vcombine_s16(vqmovn_s32(v[0]), vqmovn_s32(v[1])), vcombine_s16(vqmovn_s32(v[2]), vqmovn_s32(v[3])));
}

/* Up to 4 rows of a block; 0: one row of up to 4 blocks. */
EQ_INLINE void store_tile(const struct eq_gemm_s8_s8_s8 *g, size_t row, size_t at, const size_t rows, int8x16_t bytes) {
    const size_t count = g->n - at;
    const int32x4_t words = vreinterpretq_s32_s8(bytes);
    const int32_t out[ROWS] = {vgetq_lane_s32(words, 0), vgetq_lane_s32(words, 1), vgetq_lane_s32(words, 2), vgetq_lane_s32(words, 3)};
    int8_t *y = g->y + row * g->y_stride + at;
    if (!rows && count >= WIDE * NR) vst1q_s8(y, bytes);
    else if (!rows) memcpy(y, &bytes, count);
    else if (count >= NR)
        for (size_t i = 0; i < rows; i++, y += g->y_stride) memcpy(y, &out[i], NR);
    else
        for (size_t i = 0; i < rows; i++, y += g->y_stride) memcpy(y, &out[i], count);
}
#endif
