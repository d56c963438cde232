/* Four lines of taps interleaved byte by byte, so that one instruction takes four taps of 16 channels: element e of the lines, and
 * their taps, lie at 4 e of the buffer. */
#ifndef EQ_KERNELS_AVX512_COLUMNS_H
#define EQ_KERNELS_AVX512_COLUMNS_H
#include "avx512.h"

enum { STEP = 64 /* elements that are interleaved at once */, KR = 4 };

/* The first of 64 or 16; bytes that are masked out do not fault. */
EQ_INLINE __mmask64 first64(size_t count) { return _bzhi_u64(~(uint64_t)0, count < STEP ? (uint32_t)count : STEP); }
EQ_INLINE __mmask16 first16(size_t count) { return (__mmask16)_bzhi_u32(0xffff, count < 16 ? (uint32_t)count : 16); }

/* Four lines, from the elements as they are (x) to x + 128, interleaved in each lane of 128 bits for itself. */
EQ_INLINE void columns_interleave(const __m512i line[KR], __m512i v[KR]) {
    __m512i r[KR];
    for (int i = 0; i < KR; i++) r[i] = _mm512_xor_si512(line[i], _mm512_set1_epi8(INT8_MIN));
    const __m512i a_low = _mm512_unpacklo_epi8(r[0], r[1]), a_high = _mm512_unpackhi_epi8(r[0], r[1]);
    const __m512i b_low = _mm512_unpacklo_epi8(r[2], r[3]), b_high = _mm512_unpackhi_epi8(r[2], r[3]);
    v[0] = _mm512_unpacklo_epi16(a_low, b_low);
    v[1] = _mm512_unpackhi_epi16(a_low, b_low);
    v[2] = _mm512_unpacklo_epi16(a_high, b_high);
    v[3] = _mm512_unpackhi_epi16(a_high, b_high);
}

/* One step of the buffer: dwords are dealt out to the lanes first, so that the results come in order. */
EQ_INLINE void columns_step(const __m512i line[KR], uint8_t *buffer) {
    const __m512i deal = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i dealt[KR], v[KR];
    for (int i = 0; i < KR; i++) dealt[i] = _mm512_permutexvar_epi32(deal, line[i]);
    columns_interleave(dealt, v);
    for (int i = 0; i < KR; i++) _mm512_storeu_si512(buffer + 64 * i, v[i]);
}

/* `count` elements that lie side by side, at an offset of every line. */
static void columns_fill(const int8_t *const line[KR], size_t at, size_t count, uint8_t *buffer) {
    for (const size_t end = at + count; at < end; at += STEP, buffer += KR * STEP) {
        const __mmask64 on = first64(end - at);
        __m512i r[KR];
        for (int i = 0; i < KR; i++) r[i] = _mm512_maskz_loadu_epi8(on, line[i] + at);
        columns_step(r, buffer);
    }
}

EQ_INLINE void columns_apart(const int8_t *const line[KR], size_t at, size_t columns, size_t apart, const int whole, __mmask64 on,
                             uint8_t *buffer) {
    for (const size_t end = at + columns * apart; at < end; at += apart, buffer += KR * STEP) {
        __m512i r[KR];
        for (int i = 0; i < KR; i++) r[i] = whole ? _mm512_loadu_si512(line[i] + at) : _mm512_maskz_loadu_epi8(on, line[i] + at);
        columns_step(r, buffer);
    }
}

/* `columns` pieces of `width` elements, `apart` from each other; each takes a whole step of the buffer. */
static void columns_fill_apart(const int8_t *const line[KR], size_t at, size_t columns, size_t apart, size_t width, uint8_t *buffer) {
    if (width >= STEP) columns_apart(line, at, columns, apart, 1, 0, buffer);
    else columns_apart(line, at, columns, apart, 0, first64(width), buffer);
}

/* `count` elements of padding, and up to 15 more. */
EQ_INLINE void columns_pad(int32_t zero, size_t count, uint8_t *buffer) {
    for (size_t e = 0; e < count; e += 16) _mm512_storeu_si512(buffer + KR * e, _mm512_set1_epi8((char)(zero ^ INT8_MIN)));
}

/* The same of 16 elements. */
EQ_INLINE __m512i column16(const __m128i r[KR]) {
    const __m128i a_low = _mm_unpacklo_epi8(r[0], r[1]), a_high = _mm_unpackhi_epi8(r[0], r[1]);
    const __m128i b_low = _mm_unpacklo_epi8(r[2], r[3]), b_high = _mm_unpackhi_epi8(r[2], r[3]);
    const __m512i low = _mm512_inserti32x4(_mm512_castsi128_si512(_mm_unpacklo_epi16(a_low, b_low)), _mm_unpackhi_epi16(a_low, b_low), 1);
    const __m512i three = _mm512_inserti32x4(low, _mm_unpacklo_epi16(a_high, b_high), 2);
    return _mm512_inserti32x4(three, _mm_unpackhi_epi16(a_high, b_high), 3);
}
#endif
