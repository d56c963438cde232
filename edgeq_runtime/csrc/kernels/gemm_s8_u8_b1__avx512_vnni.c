/* Eight signs a byte: a bit that is set makes -1 of 1. */
#include "avx512_gemm.h"

enum { PER = 8, UP = 0, PLANES = 1 };

EQ_INLINE __m512i step(__m512i unit, __m512i low, const int s) {
    const __mmask64 minus = _mm512_test_epi8_mask(unit, _mm512_set1_epi8((char)(1 << s)));
    (void)low;
    return _mm512_mask_blend_epi8(minus, _mm512_set1_epi8(1), _mm512_set1_epi8(-1));
}

#include "avx512_low.h"

void eq_gemm_s8_u8_b1__avx512_vnni(const struct eq_gemm_s8_u8_b1 *args) { low_run((low_args)(const void *)args); }
