/* Two 4-bit weights a byte, each taken where it stands for 16 times itself: no sign needs to be extended. */
#include "avx512_gemm.h"

enum { PER = 2, UP = 4, PLANES = 1 };

EQ_INLINE __m512i step(__m512i unit, __m512i low, const int s) {
    (void)low;
    return _mm512_and_si512(s ? unit : _mm512_slli_epi16(unit, 4), _mm512_set1_epi8((char)0xf0));
}

#include "avx512_low.h"

void eq_gemm_s8_u8_s4__avx512_vnni(const struct eq_gemm_s8_u8_s4 *args) { low_run((low_args)(const void *)args); }
