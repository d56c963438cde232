/* Two 4-bit weights a byte. */
#include "avx2_nibbles.h"

enum { NR = 8, KR = 4, UNIT = 8, ROWS = 6, WIDE = 4 /* blocks of a single row */ };
enum { STEPS = 1, FIT = 4 /* 4 2 2 255 8 < 2^15 */, PLANES = 1, SIGNS = 0 };

#define LOW_ARGS eq_gemm_s8_u8_s8
#include "low.h"

EQ_INLINE __m256i step(__m256i nibbles, const int s) {
    (void)s;
    return signed_nibbles(nibbles);
}

#include "avx2_low.h"

void eq_gemm_s8_u8_s4__avx2(const struct eq_gemm_s8_u8_s4 *args) { low_run((low_args)(const void *)args); }
