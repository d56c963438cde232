/* How a tile of the matrix products of NEON without sdot ends: 4 rows of 4 channels, or a row of up to 16. */
#ifndef EQ_KERNELS_NEON_ROWS_H
#define EQ_KERNELS_NEON_ROWS_H
#include "neon.h"

enum { NR = 4, ROWS = 4, WIDE = 4 /* blocks of a tile of one row */ };

EQ_INLINE int32x4_t sum_lanes(const int32x4_t v[NR]) { return vpaddq_s32(vpaddq_s32(v[0], v[1]), vpaddq_s32(v[2], v[3])); }

/* The channel parameters of a block. */
struct ends {
    int32x4_t bias, m, right, left;
};
EQ_INLINE struct ends ends_of(const struct eq_rq *rq, size_t at) {
    return (struct ends){vld1q_s32(rq->bias + at), vld1q_s32(rq->m + at), right4(rq->n + at), left4(rq->n + at)};
}

/* 4 vectors of sums, each with its parameters. */
EQ_INLINE int8x16_t requantized(const struct clamp16 *clamp, const int has_left, const struct ends *const e[4], const int32x4_t sums[4]) {
    int32x4_t v[4];
    for (int i = 0; i < 4; i++) v[i] = vaddq_s32(sums[i], e[i]->bias);
    if (__builtin_expect(has_left, 0))
        for (int i = 0; i < 4; i++) v[i] = vqshlq_s32(v[i], e[i]->left);
    for (int i = 0; i < 4; i++) v[i] = vrshlq_s32(vqdmulhq_s32(v[i], e[i]->m), e[i]->right);
    return clamp16_apply(clamp, vcombine_s16(vqmovn_s32(v[0]), vqmovn_s32(v[1])), vcombine_s16(vqmovn_s32(v[2]), vqmovn_s32(v[3])));
}

EQ_INLINE void store_rows(int8_t *y, size_t stride, const size_t rows, int8x16_t bytes) {
    const int32x4_t words = vreinterpretq_s32_s8(bytes);
    const int32_t out[ROWS] = {vgetq_lane_s32(words, 0), vgetq_lane_s32(words, 1), vgetq_lane_s32(words, 2), vgetq_lane_s32(words, 3)};
    for (size_t i = 0; i < rows; i++, y += stride) memcpy(y, &out[i], NR);
}

/* Up to 4 rows of fewer channels than a block has. */
EQ_RARE void store_part(int8_t *y, size_t stride, size_t count, size_t rows, int8x16_t bytes) {
    int8_t out[ROWS * NR];
    vst1q_s8(out, bytes);
    for (size_t i = 0; i < rows && i < ROWS; i++, y += stride)
        for (size_t c = 0; c < count && c < NR; c++) y[c] = out[NR * i + c];
}

/* One row of up to 16 channels. */
EQ_INLINE void store_row(int8_t *y, size_t count, int8x16_t bytes) {
    if (count >= WIDE * NR) vst1q_s8(y, bytes);
    else memcpy(y, &bytes, count);
}
#endif
