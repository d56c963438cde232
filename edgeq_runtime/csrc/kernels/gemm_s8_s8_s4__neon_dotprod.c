/* Two 4-bit weights a byte, each taken where it stands for 16 times itself. */
#include "neon_tiles.h"

enum { UNIT = 8, UP = 4, PLANES = 1, SIGNS = 0 };

#define LOW_ARGS eq_gemm_s8_s8_s8
#include "low.h"

EQ_INLINE int8x16_t weights(const int8_t *w, const int8_t *low, const int s) {
    (void)low;
    return s ? vandq_s8(vld1q_s8(w), vdupq_n_s8((int8_t)0xf0)) : vshlq_n_s8(vld1q_s8(w), 4);
}

#include "neon_dotprod_low.h"

void eq_gemm_s8_s8_s4__neon_dotprod(const struct eq_gemm_s8_s8_s4 *args) { low_run((low_args)(const void *)args); }
