/* Four 2-bit weights a byte: 127 products of 128 and 2 fit in 16 bits. */
#include "neon_rows.h"

enum { KR = 8, STEPS = 4, UNIT = 32, FIT = 31, SIGNS = 0 };

#define LOW_ARGS eq_gemm_s8_s8_s8
#include "low.h"

EQ_INLINE int8x16_t weights(int8x16_t v, const int s) {
    const int8x16_t top = s == 0 ? vshlq_n_s8(v, 6) : s == 1 ? vshlq_n_s8(v, 4) : s == 2 ? vshlq_n_s8(v, 2) : v;
    return vshrq_n_s8(top, 6);
}

#include "neon_low.h"

void eq_gemm_s8_s8_s2__neon(const struct eq_gemm_s8_s8_s2 *args) { low_run((low_args)(const void *)args); }
