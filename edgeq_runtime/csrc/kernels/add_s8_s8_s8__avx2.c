/* Pairs of 16 bits in one multiply-add; 16 at a time. Saturating on the way down is exact: lo and hi lie within int8. */
#include "add_steps.h"
#include "avx2.h"

enum { STEP = 16 };

struct terms {
    __m256i muls, constant, zero, lo, hi;
    __m128i shift;
};

EQ_INLINE __m256i widen(__m128i v) { return _mm256_cvtepi8_epi16(v); }

EQ_INLINE __m256i sum(const struct terms *t, __m256i a, __m256i b) {
    const __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), t->muls),
                  high = _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), t->muls);
    return _mm256_adds_epi16(_mm256_packs_epi32(_mm256_sra_epi32(_mm256_add_epi32(low, t->constant), t->shift),
                                                _mm256_sra_epi32(_mm256_add_epi32(high, t->constant), t->shift)),
                             t->zero);
}

EQ_INLINE void some(const void *terms, const int8_t *a, const int8_t *b, int8_t *y) {
    const struct terms *t = terms;
    const __m256i v = sum(t, widen(_mm_loadu_si128((const __m128i *)a)), widen(_mm_loadu_si128((const __m128i *)b)));
    const __m256i w = _mm256_min_epi16(_mm256_max_epi16(v, t->lo), t->hi);
    _mm_storeu_si128((__m128i *)y, _mm_packs_epi16(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1)));
}

void eq_add_s8_s8_s8__avx2(const struct eq_add_s8_s8_s8 *d) {
    const struct terms t = {_mm256_set1_epi32((int32_t)((uint32_t)(uint16_t)d->a_mul | (uint32_t)d->b_mul << 16)),
                            _mm256_set1_epi32(d->constant),
                            _mm256_set1_epi16((int16_t)d->y_zero),
                            _mm256_set1_epi16((int16_t)d->lo),
                            _mm256_set1_epi16((int16_t)d->hi),
                            _mm_cvtsi32_si128(d->shift)};
    add_steps(d, STEP, some, &t);
}
