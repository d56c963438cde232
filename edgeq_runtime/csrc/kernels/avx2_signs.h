/* Tiles of 2 rows and 32 channels: 32 inputs of a row meet those of 8 channels in one register. Bits are counted nibble by nibble with a
 * byte shuffle, in bytes until these could overflow. */
#ifndef EQ_KERNELS_AVX2_SIGNS_H
#define EQ_KERNELS_AVX2_SIGNS_H
#include "avx2.h"

enum { NR = 32, KR = 4, ROWS = 2, EIGHT = 8 /* channels of a register */, WIDE = 4, FIT = 31 /* 31 8 < 256 */ };

/* v and the number of 1 bits in each byte of x. */
EQ_INLINE __m256i add_bits(__m256i v, __m256i x) {
    const __m256i bits = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i nibble = _mm256_set1_epi8(15);
    v = _mm256_add_epi8(v, _mm256_shuffle_epi8(bits, _mm256_and_si256(x, nibble)));
    return _mm256_add_epi8(v, _mm256_shuffle_epi8(bits, _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble)));
}

EQ_INLINE __m256i widen(__m256i bytes) { return _mm256_madd_epi16(_mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1)), _mm256_set1_epi16(1)); }

/* Some steps, at most FIT, added to acc. */
EQ_INLINE void count_some(const uint8_t *const *a, ptrdiff_t at, size_t steps, const uint8_t *w, const int rows, __m256i acc[ROWS][WIDE]) {
    __m256i bytes[ROWS][WIDE];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < WIDE; j++) bytes[i][j] = _mm256_setzero_si256();
    for (const uint8_t *end = w + steps * NR * KR; w < end; w += NR * KR, at += KR)
        for (int i = 0; i < rows; i++) {
            const __m256i v = four(a[i] + at);
            for (int j = 0; j < WIDE; j++) {
                const __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(w + EIGHT * KR * j));
                bytes[i][j] = add_bits(bytes[i][j], _mm256_xor_si256(v, b));
            }
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < WIDE; j++) acc[i][j] = _mm256_add_epi32(acc[i][j], widen(bytes[i][j]));
}

/* Differing bits of rows from `first` on and the channels of a block. */
EQ_INLINE void count(const struct eq_signs *g, size_t o, size_t first, const int rows, __m256i acc[ROWS][WIDE]) {
    const uint8_t *w = g->w + o / NR * g->parts * g->steps * NR * KR, *a[ROWS];
    for (int i = 0; i < rows; i++) {
        a[i] = g->a + g->rows[first + (size_t)i];
        for (int j = 0; j < WIDE; j++) acc[i][j] = _mm256_setzero_si256();
    }
    for (size_t p = 0; p < g->parts; p++) {
        ptrdiff_t at = g->parts_at[p];
        for (size_t left = g->steps, some; left > 0; left -= some, at += (ptrdiff_t)(some * KR), w += some * NR * KR) {
            some = left < FIT ? left : FIT;
            count_some(a, at, some, w, rows, acc);
        }
    }
}

EQ_INLINE __m256i base_of(const struct eq_signs *g, size_t row, size_t o, int j) {
    return _mm256_loadu_si256((const __m256i *)(g->base + g->heads[row] + o + EIGHT * (size_t)j));
}

/* Every row of a block; args: what `tile` takes between g and o. */
#define EQ_SIGNS_ROWS(g, args, o, tile)                                                                                                    \
    do {                                                                                                                                   \
        size_t i_ = 0;                                                                                                                     \
        for (; i_ + ROWS <= (g)->signs.m; i_ += ROWS) tile(g, args, o, i_, ROWS);                                                          \
        if (i_ < (g)->signs.m) tile(g, args, o, i_, 1);                                                                                    \
    } while (0)
#endif
