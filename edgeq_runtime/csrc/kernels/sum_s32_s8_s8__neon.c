/* 32 or 16 channels as words, widened again before they could overflow. The last step ends at the last channel, over what is done
 * already. */
#include "neon.h"

enum { STEP = 16, WIDE = 2, FIT = 255 };

EQ_INLINE void widen(int32x4_t sum[4], int16x8_t part[2]) {
    for (int h = 0; h < 2; h++) {
        sum[2 * h] = vaddw_s16(sum[2 * h], vget_low_s16(part[h]));
        sum[2 * h + 1] = vaddw_high_s16(sum[2 * h + 1], part[h]);
        part[h] = vdupq_n_s16(0);
    }
}

EQ_INLINE void some(const struct eq_sum_s32_s8_s8 *d, const int8_t *x, int32_t *y, const int vectors) {
    int32x4_t sum[WIDE][4];
    int16x8_t part[WIDE][2];
    for (int i = 0; i < vectors; i++) {
        for (int j = 0; j < 4; j++) sum[i][j] = vdupq_n_s32(0);
        part[i][0] = part[i][1] = vdupq_n_s16(0);
    }
    size_t room = FIT;
    for (size_t r = 0; r < d->rows; r++, x += d->row_step) {
        const int8_t *at = x;
        for (size_t left = d->cols, n; left > 0; left -= n) {
            if (room == 0) {
                for (int i = 0; i < vectors; i++) widen(sum[i], part[i]);
                room = FIT;
            }
            n = left < room ? left : room;
            room -= n;
            for (size_t t = n; t > 0; t--, at += d->col_step)
                for (int i = 0; i < vectors; i++) {
                    const int8x16_t v = vld1q_s8(at + STEP * i);
                    part[i][0] = vaddw_s8(part[i][0], vget_low_s8(v));
                    part[i][1] = vaddw_high_s8(part[i][1], v);
                }
        }
    }
    for (int i = 0; i < vectors; i++) {
        widen(sum[i], part[i]);
        for (int j = 0; j < 4; j++) vst1q_s32(y + STEP * i + 4 * j, sum[i][j]);
    }
}

void eq_sum_s32_s8_s8__neon(const struct eq_sum_s32_s8_s8 *d) {
    const size_t n = d->channels;
    for (size_t c = 0; c < n && n < STEP; c++) {
        int32_t sum = 0;
        for (size_t r = 0; r < d->rows; r++)
            for (size_t t = 0; t < d->cols; t++) sum += d->x[r * d->row_step + t * d->col_step + c];
        d->y[c] = sum;
    }
    if (n < STEP) return;
    size_t c = 0;
    for (; c + WIDE * STEP <= n; c += WIDE * STEP) some(d, d->x + c, d->y + c, WIDE);
    for (; c < n; c += STEP) {
        if (c + STEP > n) c = n - STEP;
        some(d, d->x + c, d->y + c, 1);
    }
}
