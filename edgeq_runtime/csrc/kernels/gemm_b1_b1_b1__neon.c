#include "neon_signs.h"

/* 32 channels from o on of some rows, the last block first: each lane gathers 4 bits of a block. */
EQ_INLINE void word(const struct eq_gemm_b1_b1_b1 *g, size_t o, size_t row, const int rows, const int is_short) {
    static const uint32_t channel[] = {0x11111111, 0x22222222, 0x44444444, 0x88888888};
    const size_t left = g->signs.n - o < EQ_SIGNS ? g->signs.n - o : EQ_SIGNS, one = g->signs.parts * g->signs.steps * BLOCK;
    const struct rows r = rows_of(&g->signs, o, row, rows, is_short);
    const uint8_t *first = g->signs.w + o / NR * one, *w = first + (left + NR - 1) / NR * one;
    uint32x4_t bits[ROWS];
    uint32_t *y = g->y + row * g->y_stride + o / EQ_SIGNS;
    for (int i = 0; i < rows; i++) bits[i] = vdupq_n_u32(0);
    for (size_t at = (left - 1) / NR * NR; w != first; at -= NR) {
        int32x4_t sums[ROWS];
        w -= one;
        count(&g->signs, w, &r, rows, is_short, sums);
        for (int i = 0; i < rows; i++) bits[i] = vsliq_n_u32(vcgtq_s32(sums[i], vld1q_s32(r.base[i] + at)), bits[i], NR);
    }
    for (int i = 0; i < rows; i++, y += g->y_stride) *y = vaddvq_u32(vandq_u32(bits[i], vld1q_u32(channel)));
}

EQ_SIGNS_KERNEL(b1_b1_b1, word)
