/* The planes apart: 16 times the sums of the high one, and those of the low one. */
#include "avx2_nibbles.h"

enum { NR = 8, KR = 4, UNIT = 8, ROWS = 6, WIDE = 4 /* blocks of a single row */ };
enum { STEPS = 1, FIT = 4 /* 4 2 2 255 8 < 2^15 */, PLANES = 2, SIGNS = 0 };

#define LOW_ARGS eq_gemm_s8_u8_s8
#include "low.h"

EQ_INLINE __m256i step(__m256i nibbles, const int s) {
    (void)s;
    return signed_nibbles(nibbles);
}

#include "avx2_low.h"

void eq_gemm_s8_u8_s4x2__avx2(const struct eq_gemm_s8_u8_s4x2 *args) { low_run((low_args)(const void *)args); }
