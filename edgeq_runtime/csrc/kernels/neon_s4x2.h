/* Two nibbles of each of two planes a byte, for neon_panel.h; the low one has a sign, which takes 16 from the byte. */
#ifndef EQ_KERNELS_NEON_S4X2_H
#define EQ_KERNELS_NEON_S4X2_H
#include "neon.h"

enum { BITS = 4, PLANES = 2, TOP = 0 };

EQ_INLINE int8x16_t field(const int8_t *w, const int8_t *low, const int s) {
    const uint8x16_t h = vreinterpretq_u8_s8(vld1q_s8(w)), l = vreinterpretq_u8_s8(vld1q_s8(low));
    const int8x16_t both = vreinterpretq_s8_u8(s ? vsriq_n_u8(h, l, 4) : vsliq_n_u8(l, h, 4)), sign = vdupq_n_s8(8);
    return vsubq_s8(veorq_s8(both, sign), sign);
}
#define top field
#endif
