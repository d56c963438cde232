#include "sha256.h"
#include <immintrin.h>

/* The instructions hold the state as words a b e f and c d g h, the highest lane first. */
void eq_sha256__sha_ni(uint32_t state[8], const uint8_t *data, size_t count) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, badc, 0xf0);
    for (; count; data += 64, count--) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4]; /* the next 16 words */
        for (int i = 0; i < 4; i++) w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)data + i), big_endian);
        for (int i = 0; i < 64; i += 4) {
            __m128i sum = _mm_add_epi32(w[0], _mm_loadu_si128((const __m128i *)(eq_sha256_rounds + i)));
            __m128i fresh = _mm_add_epi32(_mm_sha256msg1_epu32(w[0], w[1]), _mm_alignr_epi8(w[3], w[2], 4));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
            w[0] = w[1];
            w[1] = w[2];
            w[2] = w[3];
            w[3] = _mm_sha256msg2_epu32(fresh, w[2]);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    badc = _mm_shuffle_epi32(cdgh, 0xb1);
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, badc, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(badc, feba, 8));
}
