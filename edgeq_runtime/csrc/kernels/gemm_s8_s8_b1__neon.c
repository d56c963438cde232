/* Eight signs a byte: what has the bit is all ones, -1, and 1 else. */
#include "neon_rows.h"

enum { KR = 8, STEPS = 8, UNIT = 64, FIT = 31, SIGNS = 1 };

#define LOW_ARGS eq_gemm_s8_s8_s8
#include "low.h"

EQ_INLINE int8x16_t weights(int8x16_t v, const int s) {
    return vorrq_s8(vreinterpretq_s8_u8(vtstq_s8(v, vdupq_n_s8((int8_t)(1 << s)))), vdupq_n_s8(1));
}

#include "neon_low.h"

void eq_gemm_s8_s8_b1__neon(const struct eq_gemm_s8_s8_b1 *args) { low_run((low_args)(const void *)args); }
