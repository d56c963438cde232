/* Two 4-bit weights a byte: 31 products of 128 and 8 fit in 16 bits. */
#include "neon_rows.h"

enum { KR = 16, STEPS = 2, UNIT = 32, FIT = 7, SIGNS = 0 };

#define LOW_ARGS eq_gemm_s8_s8_s8
#include "low.h"

EQ_INLINE int8x16_t weights(int8x16_t v, const int s) { return vshrq_n_s8(s ? v : vshlq_n_s8(v, 4), 4); }

#include "neon_low.h"

void eq_gemm_s8_s8_s4__neon(const struct eq_gemm_s8_s8_s4 *args) { low_run((low_args)(const void *)args); }
