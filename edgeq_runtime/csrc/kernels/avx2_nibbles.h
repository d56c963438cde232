/* Bytes as two nibbles, which are places in tables of 16. */
#ifndef EQ_KERNELS_AVX2_NIBBLES_H
#define EQ_KERNELS_AVX2_NIBBLES_H
#include "avx2.h"

EQ_INLINE __m256i nibbles_of(__m256i unit, const int half) {
    return _mm256_and_si256(half ? _mm256_srli_epi16(unit, 4) : unit, _mm256_set1_epi8(15));
}

EQ_INLINE __m256i signed_nibbles(__m256i v) {
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1)), v);
}
#endif
