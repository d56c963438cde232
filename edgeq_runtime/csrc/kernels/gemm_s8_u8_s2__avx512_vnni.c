/* Four 2-bit weights a byte, each taken where it stands for 64 times itself. */
#include "avx512_gemm.h"

enum { PER = 4, UP = 6, PLANES = 1 };

EQ_INLINE __m512i step(__m512i unit, __m512i low, const int s) {
    const __m512i up = s == 0   ? _mm512_slli_epi16(unit, 6)
                       : s == 1 ? _mm512_slli_epi16(unit, 4)
                       : s == 2 ? _mm512_slli_epi16(unit, 2)
                                : unit;
    (void)low;
    return _mm512_and_si512(up, _mm512_set1_epi8((char)0xc0));
}

#include "avx512_low.h"

void eq_gemm_s8_u8_s2__avx512_vnni(const struct eq_gemm_s8_u8_s2 *args) { low_run((low_args)(const void *)args); }
