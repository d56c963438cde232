/* Pairs of entries as words: two shuffles of 64 words and their choice by the sign reach all 128, for the even and the odd bytes apart;
 * the lowest bit then says which byte of the pair it is. Bytes that are masked out do not fault. */
#include "avx512.h"

enum { STEP = 64 };

EQ_INLINE __m512i pairs(const __m512i table[4], __m512i at, __mmask32 high) {
    return _mm512_mask_mov_epi16(_mm512_permutex2var_epi16(table[0], at, table[1]), high,
                                 _mm512_permutex2var_epi16(table[2], at, table[3]));
}

EQ_INLINE __m512i some(const __m512i table[4], __m512i x) {
    const __m512i eight = _mm512_set1_epi16(8), v = _mm512_xor_si512(x, _mm512_set1_epi8(INT8_MIN)), up = _mm512_slli_epi16(v, 8);
    const __m512i even = pairs(table, _mm512_srli_epi16(up, 9), _mm512_movepi16_mask(up)),
                  odd = pairs(table, _mm512_srli_epi16(v, 9), _mm512_movepi16_mask(v));
    return _mm512_mask_mov_epi8(_mm512_srlv_epi16(even, _mm512_and_si512(_mm512_slli_epi16(v, 3), eight)), 0xaaaaaaaaaaaaaaaa,
                                _mm512_sllv_epi16(odd, _mm512_andnot_si512(_mm512_srli_epi16(v, 5), eight)));
}

void eq_lookup_s8_s8_s8__avx512_vnni(const struct eq_lookup_s8_s8_s8 *d) {
    __m512i table[4];
    for (int j = 0; j < 4; j++) table[j] = _mm512_loadu_si512(d->table + STEP * j);
    size_t i = 0;
    for (; i + STEP <= d->n; i += STEP) _mm512_storeu_si512(d->y + i, some(table, _mm512_loadu_si512(d->x + i)));
    if (i == d->n) return;
    const __mmask64 left = _bzhi_u64(~(uint64_t)0, (uint32_t)(d->n - i));
    _mm512_mask_storeu_epi8(d->y + i, left, some(table, _mm512_maskz_loadu_epi8(left, d->x + i)));
}
