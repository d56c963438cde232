/* Four 2-bit weights a byte, two a nibble. */
#include "avx2_nibbles.h"

enum { PER = 4, FIT = 8 /* 8 PER 2 255 2 < 2^15 */, PLANES = 1 };

EQ_INLINE __m256i step(const struct fields *f, const int s) {
    const __m256i even = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, -2, -1, 0, 1, -2, -1, 0, 1, -2, -1, 0, 1, -2, -1));
    const __m256i odd = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, -2, -2, -2, -2, -1, -1, -1, -1));
    return _mm256_shuffle_epi8(s % 2 ? odd : even, s < 2 ? f->low : f->high);
}

#include "avx2_low.h"

void eq_gemm_s8_u8_s2__avx2(const struct eq_gemm_s8_u8_s2 *args) { low_run((low_args)(const void *)args); }
