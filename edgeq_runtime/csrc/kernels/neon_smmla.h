/* The engine of neon_panel.h for smmla: two rows and two channels of eight inputs each give four sums. */
#ifndef EQ_KERNELS_NEON_SMMLA_H
#define EQ_KERNELS_NEON_SMMLA_H

enum { MR = 16, KR = 8, GRAIN = 8, STEPS = 8 / BITS, UP = TOP };

#include "neon_panel.h"

/* Channels 2 and 3 lie behind 0 and 1. */
enum { NEXT = 2 * KR };

EQ_INLINE void rows_of(const int8_t *x, const int8_t *w, const int8_t *low, size_t units, const int rows, int32x4_t *sums) {
    int32x4_t acc[MR]; /* of rows i and i + 1, channels 0 and 1; of channels 2 and 3 */
    for (int i = 0; i < rows; i++) acc[i] = vdupq_n_s32(0);
    for (; units > 0; units--, w += UNIT_BYTES, low += UNIT_BYTES)
        for (int s = 0; s < STEPS; s++, x += MR * GRAIN) {
            const int8x16_t first = top(w, low, s), second = top(w + NEXT, low + NEXT, s);
            for (int i = 0; i < rows; i += 2) {
                const int8x16_t pair = vld1q_s8(x + GRAIN * i);
                acc[i] = vmmlaq_s32(acc[i], pair, first);
                acc[i + 1] = vmmlaq_s32(acc[i + 1], pair, second);
            }
        }
    for (int i = 0; i < rows; i += 2) {
        const int64x2_t left = vreinterpretq_s64_s32(acc[i]), right = vreinterpretq_s64_s32(acc[i + 1]);
        sums[i] = vreinterpretq_s32_s64(vzip1q_s64(left, right));
        sums[i + 1] = vreinterpretq_s32_s64(vzip2q_s64(left, right));
    }
}

EQ_ONE_COPY void panel(const int8_t *x, const int8_t *w, const int8_t *low, const size_t *apart, size_t units, int32x4_t *sums) {
    (void)apart;
    rows_of(x, w, low, units, MR, sums);
}

EQ_ONE_COPY void quad(const int8_t *x, const int8_t *w, const int8_t *low, const size_t *apart, size_t units, int32x4_t *sums) {
    (void)apart;
    rows_of(x, w, low, units, ROWS, sums);
}

/* By sdot, which leaves two sums a channel. */
EQ_ONE_COPY void single(const int8_t *x, const int8_t *w, const int8_t *low, const size_t *apart, size_t units, int32x4_t *sums) {
    int32x4_t acc[2 * WIDE];
    for (int j = 0; j < 2 * WIDE; j++) acc[j] = vdupq_n_s32(0);
    for (; units > 0; units--, w += UNIT_BYTES, low += UNIT_BYTES)
        for (int s = 0; s < STEPS; s++, x += GRAIN) {
            const int8x8_t eight = vld1_s8(x);
            const int8x16_t twice = vcombine_s8(eight, eight);
            for (int j = 0; j < WIDE; j++) {
                acc[2 * j] = vdotq_s32(acc[2 * j], top(w + apart[j], low + apart[j], s), twice);
                acc[2 * j + 1] = vdotq_s32(acc[2 * j + 1], top(w + apart[j] + NEXT, low + apart[j] + NEXT, s), twice);
            }
        }
    for (int j = 0; j < WIDE; j++) sums[j] = vpaddq_s32(acc[2 * j], acc[2 * j + 1]);
}

#define ENGINE ((struct engine){panel, quad, single})
#endif
