/* Eight signs a byte, for neon_panel.h: what has the bit is all ones, -1, and 1 else. */
#ifndef EQ_KERNELS_NEON_B1_H
#define EQ_KERNELS_NEON_B1_H
#include "neon.h"

enum { BITS = 1, PLANES = 1, TOP = 0 };

EQ_INLINE int8x16_t field(const int8_t *w, const int8_t *low, const int s) {
    (void)low;
    return vorrq_s8(vreinterpretq_s8_u8(vtstq_s8(vld1q_s8(w), vdupq_n_s8((int8_t)(1 << s)))), vdupq_n_s8(1));
}
#define top field
#endif
