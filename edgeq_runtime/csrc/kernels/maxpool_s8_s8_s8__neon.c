/* Channels of a pixel stay in registers through all its taps. The last step ends at the last channel, over what is done already; its
 * width is that of the step, so 64, 16, 8 or one byte. */
#include "neon.h"

enum { STEP = 16, WIDE = 4 };

EQ_INLINE void some(const struct eq_maxpool_s8_s8_s8 *d, const int8_t *x, int8_t *y, const int vectors) {
    const int8x16_t lo = vdupq_n_s8((int8_t)d->lo), hi = vdupq_n_s8((int8_t)d->hi);
    int8x16_t v[WIDE];
    for (int i = 0; i < vectors; i++) v[i] = vdupq_n_s8(INT8_MIN);
    for (size_t r = 0; r < d->rows; r++, x += d->row_step) {
        const int8_t *at = x;
        for (size_t t = d->cols; t > 0; t--, at += d->col_step)
            for (int i = 0; i < vectors; i++) v[i] = vmaxq_s8(v[i], vld1q_s8(at + STEP * i));
    }
    for (int i = 0; i < vectors; i++) vst1q_s8(y + STEP * i, vminq_s8(vmaxq_s8(v[i], lo), hi));
}

EQ_INLINE void half(const struct eq_maxpool_s8_s8_s8 *d, const int8_t *x, int8_t *y) {
    int8x8_t v = vdup_n_s8(INT8_MIN);
    for (size_t r = 0; r < d->rows; r++, x += d->row_step)
        for (size_t t = 0; t < d->cols; t++) v = vmax_s8(v, vld1_s8(x + t * d->col_step));
    vst1_s8(y, vmin_s8(vmax_s8(v, vdup_n_s8((int8_t)d->lo)), vdup_n_s8((int8_t)d->hi)));
}

EQ_INLINE void one(const struct eq_maxpool_s8_s8_s8 *d, const int8_t *x, int8_t *y) {
    int32_t v = d->lo;
    for (size_t r = 0; r < d->rows; r++, x += d->row_step)
        for (size_t t = 0; t < d->cols; t++) v = x[t * d->col_step] > v ? x[t * d->col_step] : v;
    *y = (int8_t)(v > d->hi ? d->hi : v);
}

EQ_INLINE void pixel(const struct eq_maxpool_s8_s8_s8 *d, const int8_t *x, int8_t *y) {
    const size_t n = d->channels;
    size_t c = 0;
    for (; c + WIDE * STEP <= n; c += WIDE * STEP) some(d, x + c, y + c, WIDE);
    for (; c + STEP <= n; c += STEP) some(d, x + c, y + c, 1);
    if (c == n) return;
    if (n >= STEP) some(d, x + n - STEP, y + n - STEP, 1);
    else if (n >= 8) {
        half(d, x, y);
        if (n > 8) half(d, x + n - 8, y + n - 8);
    } else
        for (; c < n; c++) one(d, x + c, y + c);
}

void eq_maxpool_s8_s8_s8__neon(const struct eq_maxpool_s8_s8_s8 *args) {
    const struct eq_maxpool_s8_s8_s8 d = *args; /* which no store can change */
    for (size_t p = 0; p < d.pixels; p++) pixel(&d, d.x + p * d.x_step, d.y + p * d.channels);
}
