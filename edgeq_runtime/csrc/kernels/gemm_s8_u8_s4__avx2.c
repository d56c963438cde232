/* Two 4-bit weights a byte. */
#include "avx2_nibbles.h"

enum { PER = 2, FIT = 4 /* 4 PER 2 255 8 < 2^15 */, PLANES = 1 };

EQ_INLINE __m256i step(const struct fields *f, const int s) { return signed_nibble(s ? f->high : f->low); }

#include "avx2_low.h"

void eq_gemm_s8_u8_s4__avx2(const struct eq_gemm_s8_u8_s4 *args) { low_run((low_args)(const void *)args); }
