/* Weights of 8 channels, widened to 16 bits, meet one activation in a lane of another register. Sums of 32 bits hold 508 products; then
 * they join sums of 64. */
#include "neon_wide.h"

enum { NR = 8, ROWS = 4, WIDE = 2 /* blocks of a tile of one row */, STEP = 4, EXACT = 508 };

EQ_ONE_COPY void finish_all(const struct eq_gemm_s16_s16_s8 *g, size_t at, int rows, int blocks, const int64x2_t *sums) {
    for (int j = 0; j < blocks; j++, at += NR) {
        const struct rq16_8 rq = rq16_load(&g->rq, at, g->n);
        for (int i = 0; i < rows; i++)
            store_wide(&rq, g->n - at, g->y + (size_t)i * g->y_stride + at, sums + 4 * (i * blocks + j), g->lo, g->hi);
    }
}

/* Input k + lane of every block with lane `lane` of every row: a constant, for the instruction. */
#define TAKE(lane)                                                                                                                         \
    for (int j = 0; j < blocks; j++) {                                                                                                     \
        const int16x8_t wide = vmovl_s8(vld1_s8(w + (size_t)j * block + (k + (lane)) * NR));                                               \
        for (int i = 0; i < rows; i++) {                                                                                                   \
            acc[i][j][0] = vmlal_lane_s16(acc[i][j][0], vget_low_s16(wide), a[i], lane);                                                   \
            acc[i][j][1] = vmlal_high_lane_s16(acc[i][j][1], wide, a[i], lane);                                                            \
        }                                                                                                                                  \
    }

/* Inputs [from, to) of the tile, whose sums fit in 32 bits. */
EQ_INLINE void accumulate(const struct eq_gemm_s16_s16_s8 *g, const int8_t *w, size_t from, size_t to, const int rows, const int blocks,
                          int64x2_t *sums) {
    const size_t block = g->k * NR;
    int32x4_t acc[ROWS][WIDE][2];
    int16x4_t a[ROWS];
    size_t k = from;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) acc[i][j][0] = acc[i][j][1] = vdupq_n_s32(0);
    for (; k + STEP <= to; k += STEP) {
        for (int i = 0; i < rows; i++) a[i] = vld1_s16(g->a + (size_t)i * g->a_stride + k);
        TAKE(0)
        TAKE(1)
        TAKE(2)
        TAKE(3)
    }
    for (; k < to; k++) {
        for (int i = 0; i < rows; i++) a[i] = vdup_n_s16(g->a[(size_t)i * g->a_stride + k]);
        TAKE(0)
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++, sums += 4) widen(sums, acc[i][j][0], acc[i][j][1]);
}

EQ_INLINE void tile(const struct eq_gemm_s16_s16_s8 *g, size_t o, const int rows, const int blocks) {
    int64x2_t sums[ROWS * WIDE * 4];
    for (int i = 0; i < 4 * rows * blocks; i++) sums[i] = vdupq_n_s64(0);
    for (size_t k = 0; k < g->k; k += EXACT) accumulate(g, g->w + o * g->k, k, g->k - k < EXACT ? g->k : k + EXACT, rows, blocks, sums);
    finish_all(g, o, rows, blocks, sums);
}

EQ_INLINE void run(const struct eq_gemm_s16_s16_s8 *g, const int rows, const int blocks) {
    size_t o = 0;
    for (; o + NR * (size_t)(blocks - 1) < g->n; o += NR * (size_t)blocks) tile(g, o, rows, blocks);
    for (; o < g->n; o += NR) tile(g, o, rows, 1);
}

/* Four rows or one: the code of two and three is not worth its size. */
void eq_gemm_s16_s16_s8__neon(const struct eq_gemm_s16_s16_s8 *g) {
    struct eq_gemm_s16_s16_s8 part = *g;
    for (size_t done = 0; done < g->m; done += part.m) {
        part.m = g->m - done >= ROWS ? ROWS : 1;
        part.a = g->a + done * g->a_stride;
        part.y = g->y + done * g->y_stride;
        if (part.m == ROWS) run(&part, ROWS, 1);
        else run(&part, 1, WIDE);
    }
}
