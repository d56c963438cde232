/* Two nibbles of each of two planes a byte; the low one has a sign, which takes 16 from the byte. */
#include "neon_tiles.h"

enum { UNIT = 8, UP = 0, PLANES = 2, SIGNS = 0 };

#define LOW_ARGS eq_gemm_s8_s8_s8
#include "low.h"

EQ_INLINE int8x16_t weights(const int8_t *w, const int8_t *low, const int s) {
    const uint8x16_t h = vreinterpretq_u8_s8(vld1q_s8(w)), l = vreinterpretq_u8_s8(vld1q_s8(low));
    const int8x16_t both = vreinterpretq_s8_u8(s ? vsriq_n_u8(h, l, 4) : vsliq_n_u8(l, h, 4)), sign = vdupq_n_s8(8);
    return vsubq_s8(veorq_s8(both, sign), sign);
}

#include "neon_dotprod_low.h"

void eq_gemm_s8_s8_s4x2__neon_dotprod(const struct eq_gemm_s8_s8_s4x2 *args) { low_run((low_args)(const void *)args); }
