/* sdot by lane: 8 channels x 4 inputs of a block against 4 inputs of a row. 4 rows x 16 channels at a time; single rows take 32 channels.
 */
#include "neon.h"

enum { NR = 8, KR = 4, QUAD = 16 /* inputs of one load */, ROWS = 4, HALVES = 8 /* most half blocks of a tile */ };

#define DOT_LANE(l)                                                                                                                        \
    for (int j = 0; j < halves; j++) {                                                                                                     \
        const int8x16_t v = vld1q_s8(w + (size_t)(j / 2) * block + (k + KR * (l)) * NR + (size_t)(j % 2) * QUAD);                          \
        for (int i = 0; i < rows; i++) acc[i][j] = vdotq_laneq_s32(acc[i][j], v, x[i], l);                                                 \
    }

EQ_INLINE void accumulate(const struct eq_gemm_s8_s8_s8 *g, const int8_t *const a[ROWS], const int8_t *w, const int rows, const int halves,
                          int32x4_t out[ROWS][HALVES]) {
    const size_t depth = g->k, block = depth * NR;
    int32x4_t acc[ROWS][HALVES];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < halves; j++) acc[i][j] = out[i][j];
    size_t k = 0;
    for (; k + QUAD <= depth; k += QUAD) {
        int8x16_t x[ROWS];
        for (int i = 0; i < rows; i++) x[i] = vld1q_s8(a[i] + k);
        DOT_LANE(0)
        DOT_LANE(1)
        DOT_LANE(2)
        DOT_LANE(3)
    }
    for (; k < depth; k += KR) {
        int8x16_t x[ROWS];
        for (int i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, a[i] + k, sizeof four);
            x[i] = vreinterpretq_s8_s32(vdupq_n_s32(four));
        }
        DOT_LANE(0)
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < halves; j++) out[i][j] = acc[i][j];
}

EQ_INLINE void tile(const struct eq_gemm_s8_s8_s8 *g, size_t row, size_t at, const int rows, const int blocks, const uint32_t *zero) {
    const int8_t *a[ROWS];
    int32x4_t acc[ROWS][HALVES];
    for (int i = 0; i < rows; i++) a[i] = g->a + (row + (size_t)i) * g->a_stride;
    for (int j = 0; j < 2 * blocks; j++) {
        const int32x4_t bias = vld1q_s32(g->rq.bias + at + 4 * (size_t)j);
        for (int i = 0; i < rows; i++) acc[i][j] = g->w_zero == 0 ? bias : vsubq_s32(bias, vdupq_n_s32((int32_t)zero[row + (size_t)i]));
    }
    accumulate(g, a, g->w + at * g->k, rows, 2 * blocks, acc);
    const struct clamp16 clamp = clamp16_load(g->y_zero, g->lo, g->hi);
    for (int j = 0; j < blocks; j += 2) {
        const size_t first = at + NR * (size_t)j;
        const struct rq8 low = rq8_load(&g->rq, first, NR);
        int8_t *y = g->y + row * g->y_stride + first;
        if (j + 1 < blocks && g->n - first >= 2 * NR) {
            const struct rq8 high = rq8_load(&g->rq, first + NR, NR);
            for (int i = 0; i < rows; i++, y += g->y_stride)
                vst1q_s8(y, clamp16_apply(&clamp, rq8_apply(&low, acc[i][2 * j], acc[i][2 * j + 1]),
                                          rq8_apply(&high, acc[i][2 * j + 2], acc[i][2 * j + 3])));
            continue;
        }
        for (int i = 0; i < rows; i++, y += g->y_stride) {
            store_bytes(y, clamp8_apply(&clamp, rq8_apply(&low, acc[i][2 * j], acc[i][2 * j + 1])), g->n - first);
            if (j + 1 < blocks) {
                const struct rq8 high = rq8_load(&g->rq, first + NR, NR);
                store_bytes(y + NR, clamp8_apply(&clamp, rq8_apply(&high, acc[i][2 * j + 2], acc[i][2 * j + 3])), g->n - first - NR);
            }
        }
    }
}

/* All channels of a few rows. */
EQ_INLINE void strip(const struct eq_gemm_s8_s8_s8 *g, size_t row, const int rows, const int blocks, const uint32_t *zero) {
    size_t at = 0;
    for (; at + NR * (size_t)(blocks - 1) < g->n; at += NR * (size_t)blocks) tile(g, row, at, rows, blocks, zero);
    for (; at + NR < g->n; at += 2 * NR) tile(g, row, at, rows, 2, zero);
    for (; at < g->n; at += NR) tile(g, row, at, rows, 1, zero);
}

void eq_gemm_s8_s8_s8__neon_dotprod(const struct eq_gemm_s8_s8_s8 *g) {
    uint32_t zero[2 * ROWS] = {0};
    size_t row = 0;
    if (g->w_zero != 0) zero_terms(g->a, g->a_stride, g->m, g->k, g->w_zero, zero);
    for (; row + ROWS <= g->m; row += ROWS) strip(g, row, ROWS, 2, zero);
    if (g->m - row == 3) strip(g, row, 3, 2, zero);
    else if (g->m - row == 2) strip(g, row, 2, 2, zero);
    else if (g->m - row == 1) strip(g, row, 1, 4, zero);
}
