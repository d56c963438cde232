/* The planes apart: 16 times the sums of the high one, and those of the low one. */
#include "avx2_nibbles.h"

enum { PER = 2, FIT = 4 /* 4 PER 2 255 8 < 2^15 */, PLANES = 2 };

EQ_INLINE __m256i step(const struct fields *f, const int s) { return signed_nibble(s ? f->high : f->low); }

#include "avx2_low.h"

void eq_gemm_s8_u8_s4x2__avx2(const struct eq_gemm_s8_u8_s4x2 *args) { low_run((low_args)(const void *)args); }
