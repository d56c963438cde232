/* Tiles of 6 rows and 64 channels: 32 inputs of a row meet those of 16 channels in one register, and each lane counts its own channel. */
#ifndef EQ_KERNELS_AVX512_SIGNS_H
#define EQ_KERNELS_AVX512_SIGNS_H
#include "avx512.h"

enum {
    NR = 32,
    KR = 4,
    ROWS = 6,
    FEW = 3 /* rows of another tile */,
    HALF = 16 /* channels of a register */,
    WIDE = 4 /* registers of two blocks */
};

/* Differing bits of rows from `first` on and `wide` registers of channels from o on. */
EQ_INLINE void count(const struct eq_signs *g, size_t o, size_t first, const int rows, const int wide, __m512i acc[ROWS][WIDE]) {
    const size_t block = g->parts * g->steps * NR * KR;
    const uint8_t *w = g->w + o / NR * block, *a[ROWS];
    for (int i = 0; i < rows; i++) {
        a[i] = g->a + g->rows[first + (size_t)i];
        for (int j = 0; j < wide; j++) acc[i][j] = _mm512_setzero_si512();
    }
    for (size_t p = 0; p < g->parts; p++) {
        const ptrdiff_t begin = g->parts_at[p], end = begin + (ptrdiff_t)(g->steps * KR);
        for (ptrdiff_t at = begin; at < end; at += KR, w += NR * KR) {
            __m512i b[WIDE];
            EQ_UNROLL
            for (int j = 0; j < wide; j++) b[j] = _mm512_loadu_si512(w + (size_t)(j / 2) * block + HALF * KR * (j % 2));
            EQ_UNROLL
            for (int i = 0; i < rows; i++) {
                const __m512i v = four(a[i] + at);
                for (int j = 0; j < wide; j++) acc[i][j] = _mm512_add_epi32(acc[i][j], _mm512_popcnt_epi32(_mm512_xor_si512(v, b[j])));
            }
        }
    }
}

EQ_INLINE __m512i base_of(const struct eq_signs *g, size_t row, size_t o, int j) {
    return _mm512_loadu_si512(g->base + g->heads[row] + o + HALF * (size_t)j);
}

/* Every row of `wide` registers of channels from o on; args: what `tile` takes between g and o. The last tile of a size may repeat rows of
 * the one before. */
#define EQ_SIGNS_ROWS(g, args, o, wide, tile)                                                                                              \
    do {                                                                                                                                   \
        const size_t m_ = (g)->signs.m, over_ = m_ % ROWS;                                                                                 \
        const size_t end_ = m_ < ROWS ? 0 : over_ > ((wide) == WIDE ? FEW : 0) ? m_ : m_ - over_;                                          \
        size_t i_ = 0;                                                                                                                     \
        for (; i_ < end_; i_ += ROWS) tile(g, args, o, i_ + ROWS <= m_ ? i_ : m_ - ROWS, ROWS, wide);                                      \
        if ((wide) == WIDE && m_ >= FEW)                                                                                                   \
            for (; i_ < m_; i_ += FEW) tile(g, args, o, i_ + FEW <= m_ ? i_ : m_ - FEW, FEW, wide);                                        \
        for (; i_ < m_; i_++) tile(g, args, o, i_, 1, wide);                                                                               \
    } while (0)

/* All channels: two blocks at once, or the last one. */
#define EQ_SIGNS_TILES(g, channels)                                                                                                        \
    do {                                                                                                                                   \
        size_t o_ = 0;                                                                                                                     \
        for (; o_ + NR < (g)->signs.n; o_ += 2 * NR) channels(g, o_, WIDE);                                                                \
        if (o_ < (g)->signs.n) channels(g, o_, WIDE / 2);                                                                                  \
    } while (0)
#endif
