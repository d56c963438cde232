/* What the matrix products of sdot share: 8 channels a block, up to 4 rows of 16 channels or one of 32 a tile, and how a tile ends. */
#ifndef EQ_KERNELS_NEON_TILES_H
#define EQ_KERNELS_NEON_TILES_H
#include "neon.h"

enum { NR = 8, KR = 4, QUAD = 16 /* inputs of one load */, ROWS = 4, BLOCKS = 4 /* most of a tile */ };

typedef int32x4_t sums[ROWS][2 * BLOCKS];

EQ_INLINE void shift_left(const struct eq_gemm_s8_s8_s8 *g, size_t at, const int rows, const int blocks, sums acc) {
    for (int j = 0; j < 2 * blocks; j++) {
        const int32x4_t left = left4(g->rq.n + at + 4 * (size_t)j);
        for (int i = 0; i < rows; i++) acc[i][j] = vqshlq_s32(acc[i][j], left);
    }
}

/* Blocks j and j + 1 (or j alone, twice) of every row: requantize, clamp, store. */
EQ_INLINE void finish(const struct eq_gemm_s8_s8_s8 *g, int8_t *y, size_t at, const int rows, const int j, const int pair, sums acc) {
    const struct clamp16 clamp = clamp16_load(g->y_zero, g->lo, g->hi);
    const size_t count = g->n - at;
    const struct right8 low = right8_load(&g->rq, at), high = right8_load(&g->rq, at + (pair ? NR : 0));
    int8x16_t bytes[ROWS];
    for (int i = 0; i < rows; i++)
        bytes[i] = clamp16_apply(&clamp, right8_apply(&low, acc[i][2 * j], acc[i][2 * j + 1]),
                                 pair ? right8_apply(&high, acc[i][2 * j + 2], acc[i][2 * j + 3]) : vdupq_n_s16(0));
    if (pair && count >= 2 * NR)
        for (int i = 0; i < rows; i++, y += g->y_stride) vst1q_s8(y, bytes[i]);
    else if (!pair && count >= NR)
        for (int i = 0; i < rows; i++, y += g->y_stride) vst1_s8(y, vget_low_s8(bytes[i]));
    else
        for (int i = 0; i < rows; i++, y += g->y_stride) memcpy(y, &bytes[i], count);
}

/* Sums become bytes. */
EQ_INLINE void finish_tile(const struct eq_gemm_s8_s8_s8 *g, size_t row, size_t at, const int rows, const int blocks, sums acc) {
    if (__builtin_expect(g->n_lowest < 1, 0)) shift_left(g, at, rows, blocks, acc);
    for (int j = 0; j < blocks; j += 2) {
        const size_t first = at + NR * (size_t)j;
        finish(g, g->y + row * g->y_stride + first, first, rows, j, j + 1 < blocks, acc);
    }
}

/* Some channels of every row, in tiles of a kernel's own. */
#define EQ_STRIP(g, at, blocks)                                                                                                            \
    do {                                                                                                                                   \
        size_t row_ = 0;                                                                                                                   \
        for (; row_ + ROWS <= (g)->m; row_ += ROWS) tile(g, row_, at, ROWS, blocks);                                                       \
        if ((g)->m - row_ == 3) tile(g, row_, at, 3, blocks);                                                                              \
        else if ((g)->m - row_ == 2) tile(g, row_, at, 2, blocks);                                                                         \
        else if ((g)->m - row_ == 1) tile(g, row_, at, 1, blocks);                                                                         \
    } while (0)

#define EQ_TILES(g)                                                                                                                        \
    do {                                                                                                                                   \
        size_t at_ = 0;                                                                                                                    \
        if ((g)->m == 1)                                                                                                                   \
            for (; at_ + NR * (BLOCKS - 1) < (g)->n; at_ += NR * BLOCKS) tile(g, 0, at_, 1, BLOCKS);                                       \
        for (; at_ + NR < (g)->n; at_ += 2 * NR) EQ_STRIP(g, at_, 2);                                                                      \
        if (at_ < (g)->n) EQ_STRIP(g, at_, 1);                                                                                             \
    } while (0)
#endif
