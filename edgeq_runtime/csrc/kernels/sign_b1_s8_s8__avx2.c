#include "avx2.h"

EQ_INLINE uint32_t at_most(__m256i x, const int8_t *limits) {
    const __m256i above = _mm256_cmpgt_epi8(x, _mm256_loadu_si256((const __m256i *)(const void *)limits));
    return ~(uint32_t)_mm256_movemask_epi8(above);
}

/* Fewer than 32 channels that end a row of `channels`; nothing beside the row is read. */
EQ_INLINE uint32_t rest(const struct eq_sign_b1_s8_s8 *d, const int8_t *x, size_t first) {
    const size_t left = d->channels - first, missing = EQ_SIGNS - left;
    if (first > 0) return at_most(_mm256_loadu_si256((const __m256i *)(const void *)(x - missing)), d->limits + first - missing) >> missing;
    int8_t bytes[EQ_SIGNS] = {0};
    memcpy(bytes, x, left);
    return at_most(_mm256_loadu_si256((const __m256i *)bytes), d->limits);
}

void eq_sign_b1_s8_s8__avx2(const struct eq_sign_b1_s8_s8 *args) {
    const struct eq_sign_b1_s8_s8 local = *args, *d = &local; /* which no store can change */
    const int8_t *x = d->x;
    uint32_t *y = d->y;
    for (size_t i = 0; i < d->rows; i++) {
        size_t c = 0;
        for (; c + EQ_SIGNS <= d->channels; c += EQ_SIGNS, x += EQ_SIGNS) {
            const uint32_t bits = at_most(_mm256_loadu_si256((const __m256i *)(const void *)x), d->limits + c);
            *y++ = (bits & d->keep[c / EQ_SIGNS]) ^ d->flip[c / EQ_SIGNS];
        }
        if (c == d->channels) continue;
        *y++ = (rest(d, x, c) & d->keep[c / EQ_SIGNS]) ^ d->flip[c / EQ_SIGNS];
        x += d->channels - c;
    }
}
