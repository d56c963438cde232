/* Two 4-bit weights a byte, for neon_panel.h. */
#ifndef EQ_KERNELS_NEON_S4_H
#define EQ_KERNELS_NEON_S4_H
#include "neon.h"

enum { BITS = 4, PLANES = 1, TOP = 4 };

EQ_INLINE int8x16_t field(const int8_t *w, const int8_t *low, const int s) {
    const int8x16_t v = vld1q_s8(w);
    (void)low;
    return vshrq_n_s8(s ? v : vshlq_n_s8(v, 4), 4);
}

EQ_INLINE int8x16_t top(const int8_t *w, const int8_t *low, const int s) {
    const int8x16_t v = vld1q_s8(w);
    (void)low;
    return s ? vandq_s8(v, vdupq_n_s8((int8_t)0xf0)) : vshlq_n_s8(v, 4);
}
#endif
