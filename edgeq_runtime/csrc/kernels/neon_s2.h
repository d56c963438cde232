/* Four 2-bit weights a byte, for neon_panel.h. */
#ifndef EQ_KERNELS_NEON_S2_H
#define EQ_KERNELS_NEON_S2_H
#include "neon.h"

enum { BITS = 2, PLANES = 1, TOP = 6 };

EQ_INLINE int8x16_t lifted(int8x16_t v, const int s) {
    return s == 0 ? vshlq_n_s8(v, 6) : s == 1 ? vshlq_n_s8(v, 4) : s == 2 ? vshlq_n_s8(v, 2) : v;
}

EQ_INLINE int8x16_t field(const int8_t *w, const int8_t *low, const int s) {
    (void)low;
    return vshrq_n_s8(lifted(vld1q_s8(w), s), 6);
}

EQ_INLINE int8x16_t top(const int8_t *w, const int8_t *low, const int s) {
    const int8x16_t v = lifted(vld1q_s8(w), s);
    (void)low;
    return s == 0 ? v : vandq_s8(v, vdupq_n_s8((int8_t)0xc0));
}
#endif
