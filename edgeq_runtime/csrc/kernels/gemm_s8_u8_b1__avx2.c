/* Eight signs a byte, four a nibble. */
#include "avx2_nibbles.h"

enum { NR = 8, KR = 4, UNIT = 32, ROWS = 6, WIDE = 4 /* blocks of a single row */ };
enum { STEPS = 4, FIT = 8 /* 8 8 2 255 < 2^15 */, PLANES = 1, SIGNS = 1 };

#define LOW_ARGS eq_gemm_s8_u8_s8
#include "low.h"

EQ_INLINE __m256i step(__m256i nibbles, const int s) {
    const __m128i tables[] = {_mm_setr_epi8(1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1),
                              _mm_setr_epi8(1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1),
                              _mm_setr_epi8(1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1),
                              _mm_setr_epi8(1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1)};
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(tables[s]), nibbles);
}

#include "avx2_low.h"

void eq_gemm_s8_u8_b1__avx2(const struct eq_gemm_s8_u8_b1 *args) { low_run((low_args)(const void *)args); }
