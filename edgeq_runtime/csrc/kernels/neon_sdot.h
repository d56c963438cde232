/* The engine of neon_panel.h for sdot: every lane is a channel, whose four weights meet four inputs of a row. */
#ifndef EQ_KERNELS_NEON_SDOT_H
#define EQ_KERNELS_NEON_SDOT_H

enum { MR = 16, KR = 4, GRAIN = 8, STEPS = 8 / BITS, UP = TOP };

#include "neon_panel.h"

EQ_INLINE void rows_of(const int8_t *x, const int8_t *w, const int8_t *low, size_t units, const int rows, int32x4_t *sums) {
    int32x4_t acc[MR];
    for (int i = 0; i < rows; i++) acc[i] = vdupq_n_s32(0);
    for (; units > 0; units--, w += UNIT_BYTES, low += UNIT_BYTES)
        for (int s = 0; s < STEPS; s += 2, x += MR * GRAIN) {
            const int8x16_t first = top(w, low, s), second = top(w, low, s + 1);
            for (int i = 0; i < rows; i += 2) {
                const int8x16_t pair = vld1q_s8(x + GRAIN * i);
                acc[i] = vdotq_laneq_s32(acc[i], first, pair, 0);
                acc[i + 1] = vdotq_laneq_s32(acc[i + 1], first, pair, 2);
                acc[i] = vdotq_laneq_s32(acc[i], second, pair, 1);
                acc[i + 1] = vdotq_laneq_s32(acc[i + 1], second, pair, 3);
            }
        }
    for (int i = 0; i < rows; i++) sums[i] = acc[i];
}

EQ_ONE_COPY void panel(const int8_t *x, const int8_t *w, const int8_t *low, const size_t *apart, size_t units, int32x4_t *sums) {
    (void)apart;
    rows_of(x, w, low, units, MR, sums);
}

EQ_ONE_COPY void quad(const int8_t *x, const int8_t *w, const int8_t *low, const size_t *apart, size_t units, int32x4_t *sums) {
    (void)apart;
    rows_of(x, w, low, units, ROWS, sums);
}

EQ_ONE_COPY void single(const int8_t *x, const int8_t *w, const int8_t *low, const size_t *apart, size_t units, int32x4_t *sums) {
    int32x4_t acc[WIDE];
    for (int j = 0; j < WIDE; j++) acc[j] = vdupq_n_s32(0);
    for (; units > 0; units--, w += UNIT_BYTES, low += UNIT_BYTES)
        for (int s = 0; s < STEPS; s += 2, x += GRAIN) {
            const int8x8_t eight = vld1_s8(x);
            for (int j = 0; j < WIDE; j++) {
                acc[j] = vdotq_lane_s32(acc[j], top(w + apart[j], low + apart[j], s), eight, 0);
                acc[j] = vdotq_lane_s32(acc[j], top(w + apart[j], low + apart[j], s + 1), eight, 1);
            }
        }
    for (int j = 0; j < WIDE; j++) sums[j] = acc[j];
}

#define ENGINE ((struct engine){panel, quad, single})
#endif
