/* A byte of two nibbles, one of each plane: the low one has a sign, which takes 16 from the byte. */
#include "avx512_gemm.h"

enum { PER = 2, UP = 0, PLANES = 2 };

EQ_INLINE __m512i step(__m512i unit, __m512i low, const int s) {
    const __m512i high_bits = _mm512_set1_epi8((char)0xf0), sign = _mm512_set1_epi8(8);
    const __m512i h = s ? unit : _mm512_slli_epi16(unit, 4), l = s ? _mm512_srli_epi16(low, 4) : low;
    const __m512i both = _mm512_ternarylogic_epi64(high_bits, h, l, 0xca); /* bits of h where high_bits has them, else of l */
    return _mm512_sub_epi8(_mm512_xor_si512(both, sign), sign);
}

#include "avx512_low.h"

void eq_gemm_s8_u8_s4x2__avx512_vnni(const struct eq_gemm_s8_u8_s4x2 *args) { low_run((low_args)(const void *)args); }
