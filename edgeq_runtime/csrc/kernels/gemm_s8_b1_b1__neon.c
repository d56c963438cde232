#include "neon_signs.h"

/* The sums of some rows to 4 bytes each. */
EQ_INLINE int8x16_t requantized(const struct eq_gemm_s8_b1_b1 *g, size_t o, const int rows, int32x4_t v[ROWS]) {
    const struct clamp16 clamp = clamp16_load(g->y_zero, g->lo, g->hi);
    const int32x4_t m = vld1q_s32(g->m + o), right = right4(g->n + o);
    if (__builtin_expect(g->n_lowest < 1, 0))
        for (int i = 0; i < rows; i++) v[i] = vqshlq_s32(v[i], left4(g->n + o));
    for (int i = 0; i < ROWS; i++) v[i] = i < rows ? vrshlq_s32(vqdmulhq_s32(v[i], m), right) : vdupq_n_s32(0);
    return clamp16_apply(&clamp, vqmovn_high_s32(vqmovn_s32(v[0]), v[1]), vqmovn_high_s32(vqmovn_s32(v[2]), v[3]));
}

/* 32 channels from o on of some rows. */
EQ_INLINE void word(const struct eq_gemm_s8_b1_b1 *g, size_t o, size_t row, const int rows, const int is_short) {
    const struct rows r = rows_of(&g->signs, o, row, rows, is_short);
    const size_t end = g->signs.n - o < EQ_SIGNS ? g->signs.n - o : EQ_SIGNS, one = g->signs.parts * g->signs.steps * BLOCK;
    const uint8_t *w = g->signs.w + o / NR * one;
    for (size_t at = 0; at < end; at += NR, w += one) {
        int32x4_t sums[ROWS];
        int8_t bytes[ROWS * NR], *y = g->y + row * g->y_stride + o + at;
        count(&g->signs, w, &r, rows, is_short, sums);
        for (int i = 0; i < rows; i++) sums[i] = vsubq_s32(vld1q_s32(r.base[i] + at), vshlq_n_s32(sums[i], 1));
        vst1q_s8(bytes, requantized(g, o + at, rows, sums));
        if (end - at >= NR)
            for (int i = 0; i < rows; i++, y += g->y_stride) memcpy(y, bytes + NR * i, NR);
        else
            for (int i = 0; i < rows; i++, y += g->y_stride) memcpy(y, bytes + NR * i, end - at);
    }
}

EQ_SIGNS_KERNEL(s8_b1_b1, word)
