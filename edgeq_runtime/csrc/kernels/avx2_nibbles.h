/* Bytes as two nibbles, which are places in tables of 16. */
#ifndef EQ_KERNELS_AVX2_NIBBLES_H
#define EQ_KERNELS_AVX2_NIBBLES_H
#include "avx2.h"

struct fields {
    __m256i low, high;
};

EQ_INLINE struct fields fields_of(__m256i unit) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const struct fields f = {_mm256_and_si256(unit, nibble), _mm256_and_si256(_mm256_srli_epi16(unit, 4), nibble)};
    return f;
}

EQ_INLINE __m256i signed_nibble(__m256i v) {
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1)), v);
}
#endif
