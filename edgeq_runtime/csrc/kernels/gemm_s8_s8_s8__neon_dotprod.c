/* sdot by lane: 8 channels x 4 inputs of a block against 4 inputs of a row. 4 rows x 16 channels at a time; single rows take 32 channels.
 */
#include "neon_tiles.h"

/* Weights of a channel. */
EQ_INLINE size_t depth(const struct eq_gemm_s8_s8_s8 *g) { return g->parts * ((g->k + KR - 1) / KR * KR); }

/* The l-th 4 inputs of x against the next 32 weights of each block. */
#define DOT_LANE(l)                                                                                                                        \
    for (int j = 0; j < blocks; j++) {                                                                                                     \
        const int8x16_t low = vld1q_s8(w[j] + KR * NR * (l)), high = vld1q_s8(w[j] + KR * NR * (l) + QUAD);                                \
        for (int i = 0; i < rows; i++) {                                                                                                   \
            acc[i][2 * j] = vdotq_laneq_s32(acc[i][2 * j], low, x[i], l);                                                                  \
            acc[i][2 * j + 1] = vdotq_laneq_s32(acc[i][2 * j + 1], high, x[i], l);                                                         \
        }                                                                                                                                  \
    }

/* 16 inputs of every row; the pointers move on. */
EQ_INLINE void quad(const int8_t *a[ROWS], const int8_t *w[BLOCKS], const int rows, const int blocks, sums acc) {
    int8x16_t x[ROWS];
    for (int i = 0; i < rows; i++, a[i - 1] += QUAD) x[i] = vld1q_s8(a[i]);
    DOT_LANE(0)
    DOT_LANE(1)
    DOT_LANE(2)
    DOT_LANE(3)
    for (int j = 0; j < blocks; j++) w[j] += QUAD * NR;
}

EQ_INLINE void accumulate(const struct eq_gemm_s8_s8_s8 *g, const int8_t *const first[ROWS], size_t at, const int rows, const int blocks,
                          sums acc) {
    const size_t part = depth(g) / g->parts;
    const int8_t *a[ROWS], *w[BLOCKS];
    for (int j = 0; j < blocks; j++) w[j] = g->w + (at + (size_t)j * NR) * depth(g);
    for (size_t p = 0; p < g->parts; p++) {
        size_t left = part % (2 * QUAD);
        for (int i = 0; i < rows; i++) a[i] = first[i] + g->parts_at[p];
        for (size_t twice = part / (2 * QUAD); twice > 0; twice--) {
            quad(a, w, rows, blocks, acc);
            quad(a, w, rows, blocks, acc);
            for (int i = 0; i < rows; i++) __asm__("" : "+r"(a[i])); /* each moves by itself: one index would take an add a row */
        }
        if (left >= QUAD) {
            quad(a, w, rows, blocks, acc);
            left -= QUAD;
        }
        for (; left > 0; left -= KR) {
            int8x16_t x[ROWS];
            for (int i = 0; i < rows; i++, a[i - 1] += KR) {
                int32_t four;
                memcpy(&four, a[i], sizeof four);
                x[i] = vreinterpretq_s8_s32(vdupq_n_s32(four));
            }
            DOT_LANE(0)
            for (int j = 0; j < blocks; j++) w[j] += KR * NR;
        }
    }
}

EQ_INLINE void tile(const struct eq_gemm_s8_s8_s8 *g, size_t row, size_t at, const int rows, const int blocks) {
    const int8_t *a[ROWS];
    sums acc;
    for (int i = 0; i < rows; i++) a[i] = g->a + g->rows[row + (size_t)i];
    for (int j = 0; j < 2 * blocks; j++) {
        const int32x4_t bias = vld1q_s32(g->rq.bias + at + 4 * (size_t)j);
        for (int i = 0; i < rows; i++) acc[i][j] = bias;
    }
    accumulate(g, a, at, rows, blocks, acc);
    if (__builtin_expect(g->w_zero != 0, 0))
        for (int i = 0; i < rows; i++) {
            const int32x4_t zero = vdupq_n_s32((int32_t)zero_term(g, a[i]));
            for (int j = 0; j < 2 * blocks; j++) acc[i][j] = vsubq_s32(acc[i][j], zero);
        }
    finish_tile(g, row, at, rows, blocks, acc);
}

void eq_gemm_s8_s8_s8__neon_dotprod(const struct eq_gemm_s8_s8_s8 *args) {
    const struct eq_gemm_s8_s8_s8 local = *args, *g = &local; /* what stores to y cannot change */
    EQ_TILES(g);
}
