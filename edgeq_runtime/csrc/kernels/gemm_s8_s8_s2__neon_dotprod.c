/* Four 2-bit weights a byte, each taken where it stands for 64 times itself. */
#include "neon_tiles.h"

enum { UNIT = 16, UP = 6, PLANES = 1, SIGNS = 0 };

#define LOW_ARGS eq_gemm_s8_s8_s8
#include "low.h"

EQ_INLINE int8x16_t weights(const int8_t *w, const int8_t *low, const int s) {
    const int8x16_t v = vld1q_s8(w), top = vdupq_n_s8((int8_t)0xc0);
    (void)low;
    return s == 0 ? vshlq_n_s8(v, 6) : vandq_s8(s == 1 ? vshlq_n_s8(v, 4) : s == 2 ? vshlq_n_s8(v, 2) : v, top);
}

#include "neon_dotprod_low.h"

void eq_gemm_s8_s8_s2__neon_dotprod(const struct eq_gemm_s8_s8_s2 *args) { low_run((low_args)(const void *)args); }
