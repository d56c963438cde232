/* Pairs of 16 bits in one multiply-add; 32 at a time. Saturating on the way down is exact: lo and hi lie within int8. */
#include "add_steps.h"
#include "avx512.h"

enum { STEP = 32 };

struct terms {
    __m512i muls, constant, zero, lo, hi;
    __m128i shift;
};

EQ_INLINE __m512i widen(__m256i v) { return _mm512_cvtepi8_epi16(v); }

EQ_INLINE __m512i sum(const struct terms *t, __m512i a, __m512i b) {
    const __m512i low = _mm512_madd_epi16(_mm512_unpacklo_epi16(a, b), t->muls),
                  high = _mm512_madd_epi16(_mm512_unpackhi_epi16(a, b), t->muls);
    return _mm512_adds_epi16(_mm512_packs_epi32(_mm512_sra_epi32(_mm512_add_epi32(low, t->constant), t->shift),
                                                _mm512_sra_epi32(_mm512_add_epi32(high, t->constant), t->shift)),
                             t->zero);
}

EQ_INLINE void some(const void *terms, const int8_t *a, const int8_t *b, int8_t *y) {
    const struct terms *t = terms;
    const __m512i v = sum(t, widen(_mm256_loadu_si256((const __m256i *)a)), widen(_mm256_loadu_si256((const __m256i *)b)));
    _mm256_storeu_si256((__m256i *)y, _mm512_cvtsepi16_epi8(_mm512_min_epi16(_mm512_max_epi16(v, t->lo), t->hi)));
}

void eq_add_s8_s8_s8__avx512_vnni(const struct eq_add_s8_s8_s8 *d) {
    const struct terms t = {_mm512_set1_epi32((int32_t)((uint32_t)(uint16_t)d->a_mul | (uint32_t)d->b_mul << 16)),
                            _mm512_set1_epi32(d->constant),
                            _mm512_set1_epi16((int16_t)d->y_zero),
                            _mm512_set1_epi16((int16_t)d->lo),
                            _mm512_set1_epi16((int16_t)d->hi),
                            _mm_cvtsi32_si128(d->shift)};
    add_steps(d, STEP, some, &t);
}
