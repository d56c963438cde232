/* Eight signs a byte: what has the bit is all ones, -1, and 1 else. */
#include "neon_tiles.h"

enum { UNIT = 32, UP = 0, PLANES = 1, SIGNS = 1 };

#define LOW_ARGS eq_gemm_s8_s8_s8
#include "low.h"

EQ_INLINE int8x16_t weights(const int8_t *w, const int8_t *low, const int s) {
    (void)low;
    return vorrq_s8(vreinterpretq_s8_u8(vtstq_s8(vld1q_s8(w), vdupq_n_s8((int8_t)(1 << s)))), vdupq_n_s8(1));
}

#include "neon_dotprod_low.h"

void eq_gemm_s8_s8_b1__neon_dotprod(const struct eq_gemm_s8_s8_b1 *args) { low_run((low_args)(const void *)args); }
