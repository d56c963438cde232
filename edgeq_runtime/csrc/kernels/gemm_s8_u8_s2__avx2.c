/* Four 2-bit weights a byte, two a nibble. */
#include "avx2_nibbles.h"

enum { NR = 8, KR = 4, UNIT = 16, ROWS = 6, WIDE = 4 /* blocks of a single row */ };
enum { STEPS = 2, FIT = 8 /* 8 4 2 255 2 < 2^15 */, PLANES = 1, SIGNS = 0 };

#define LOW_ARGS eq_gemm_s8_u8_s8
#include "low.h"

EQ_INLINE __m256i step(__m256i nibbles, const int s) {
    const __m128i even = _mm_setr_epi8(0, 1, -2, -1, 0, 1, -2, -1, 0, 1, -2, -1, 0, 1, -2, -1);
    const __m128i odd = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, -2, -2, -2, -2, -1, -1, -1, -1);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(s ? odd : even), nibbles);
}

#include "avx2_low.h"

void eq_gemm_s8_u8_s2__avx2(const struct eq_gemm_s8_u8_s2 *args) { low_run((low_args)(const void *)args); }
