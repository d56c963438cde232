#include "avx2.h"

/* The values of 32 signs. */
EQ_INLINE __m256i values(uint32_t signs, __m256i plus, __m256i both) {
    const __m256i order = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((int64_t)0x8040201008040201);
    const __m256i bytes = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int32_t)signs), order), bit);
    return _mm256_xor_si256(plus, _mm256_and_si256(both, _mm256_cmpeq_epi8(bytes, bit)));
}

void eq_unpack_s8_b1_b1__avx2(const struct eq_unpack_s8_b1_b1 *args) {
    const struct eq_unpack_s8_b1_b1 local = *args, *d = &local; /* which no store can change */
    const __m256i plus = _mm256_set1_epi8(d->plus), both = _mm256_set1_epi8((char)(d->plus ^ d->minus));
    const uint32_t *x = d->x;
    int8_t *y = d->y;
    for (size_t i = 0; i < d->rows; i++) {
        size_t c = 0;
        for (; c + EQ_SIGNS <= d->channels; c += EQ_SIGNS, y += EQ_SIGNS)
            _mm256_storeu_si256((__m256i *)(void *)y, values(*x++, plus, both));
        if (c == d->channels) continue;
        int8_t bytes[EQ_SIGNS];
        _mm256_storeu_si256((__m256i *)(void *)bytes, values(*x++, plus, both));
        memcpy(y, bytes, d->channels - c);
        y += d->channels - c;
    }
}
