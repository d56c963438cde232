/* A single row for neon_smlal.h, which says what its words mean. */
#ifndef EQ_KERNELS_NEON_SMLAL_ROW_H
#define EQ_KERNELS_NEON_SMLAL_ROW_H
#include "neon.h"

/* A unit of a block and one row. KR 16: x[s] meets a channel; 8: it is there twice, since a vector of weights holds two channels. */
EQ_INLINE void one_block(const int8x16_t x[STEPS], const int8_t *w, const int8_t *low, const int lows, int16x8_t sum[NR]) {
    EQ_UNROLL
    for (int c = 0; c < NR; c += 16 / KR) {
        EQ_UNROLL
        for (int s = 0; s < STEPS; s++) {
            const int8x16_t v = field(w + KR * c, low + KR * c, s);
            if (KR == 16) {
                sum[c] = multiply(sum[c], x[s], v, lows);
            } else {
                sum[c] = vmlal_s8(sum[c], vget_low_s8(x[s]), vget_low_s8(v));
                sum[c + 1] = vmlal_s8(sum[c + 1], vget_high_s8(x[s]), vget_high_s8(v));
            }
        }
    }
    KEEP_ORDER(sum[0], sum[1], sum[2], sum[3]);
}

/* AT_ONCE of the blocks. */
EQ_INLINE void one_row(const int8_t *x, const int8_t *w, const int8_t *low, const size_t *apart, size_t units, const int lows,
                       int32x4_t *sums) {
    const int8_t *ws[AT_ONCE], *ls[AT_ONCE];
    for (int j = 0; j < AT_ONCE; j++) {
        ws[j] = w + apart[j];
        ls[j] = low + apart[j];
    }
    for (size_t left = units, some; left > 0; left -= some) {
        int16x8_t sum[AT_ONCE][NR];
        some = left < FIT ? left : FIT;
        EQ_UNROLL
        for (int j = 0; j < AT_ONCE; j++)
            for (int c = 0; c < NR; c++) sum[j][c] = vdupq_n_s16(0);
        for (size_t u = some; u > 0; u--, x += UNIT) {
            int8x16_t v[STEPS];
            EQ_UNROLL
            for (int s = 0; s < STEPS; s++) v[s] = KR == 16 ? vld1q_s8(x + KR * s) : vcombine_s8(vld1_s8(x + KR * s), vld1_s8(x + KR * s));
            EQ_UNROLL
            for (int j = 0; j < AT_ONCE; j++) {
                one_block(v, ws[j], ls[j], lows, sum[j]);
                ws[j] += UNIT_BYTES;
                ls[j] += UNIT_BYTES;
            }
        }
        EQ_UNROLL
        for (int j = 0; j < AT_ONCE; j++) {
            const int32x4_t more = lanes_of(sum[j][0], sum[j][1], sum[j][2], sum[j][3]);
            sums[j] = left == units ? more : vaddq_s32(sums[j], more);
        }
    }
}
#endif
