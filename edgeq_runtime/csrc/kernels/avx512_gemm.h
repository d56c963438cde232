/* What the matrix products of AVX512-VNNI share: 16 channels a block, up to eight rows or four blocks a tile, and how a tile ends. */
#ifndef EQ_KERNELS_AVX512_GEMM_H
#define EQ_KERNELS_AVX512_GEMM_H
#include "avx512.h"

enum { NR = 16, KR = 4, WIDE = 4 /* blocks of a single row */ };

/* The first `left` of 16 or 32 bytes. Masks make stores slow on some CPUs. */
EQ_INLINE void store16(int8_t *y, size_t left, __m128i v) {
    if (__builtin_expect(left >= 16, 1)) _mm_storeu_si128((__m128i *)y, v);
    else _mm_mask_storeu_epi8(y, (__mmask16)_bzhi_u32(0xffff, (uint32_t)left), v);
}
EQ_INLINE void store32(int8_t *y, size_t left, __m256i v) {
    if (__builtin_expect(left >= 32, 1)) _mm256_storeu_si256((__m256i *)y, v);
    else _mm256_mask_storeu_epi8(y, _bzhi_u32(0xffffffff, (uint32_t)left), v);
}

/* Any channel parameters; [rows][blocks] sums. */
EQ_RARE void finish_any(const struct eq_gemm_s8_u8_s8 *g, const struct rq16 *rq, size_t o, int8_t *y, int rows, int blocks,
                        const __m512i *acc) {
    for (int i = 0; i < rows; i++, y += g->y_stride)
        for (int j = 0; j < blocks; j++) {
            const size_t at = o + NR * (size_t)j, left = g->n - at < NR ? g->n - at : NR;
            store16(y + at, left, rq16_bytes(rq, rq16_apply_any(&rq[j], *acc++)));
        }
}

/* Rows x blocks values from channel o on. */
EQ_INLINE void finish(const struct eq_gemm_s8_u8_s8 *g, const struct rq16 *rq, size_t o, int8_t *y, const int rows, const int blocks,
                      __m512i acc[][WIDE]) {
    const size_t step = g->y_stride, left = g->n - o < NR * (size_t)blocks ? g->n - o : NR * (size_t)blocks;
    int short_way = 1;
    for (int j = 0; j < blocks; j++) short_way &= rq[j].short_way;
    if (__builtin_expect(!short_way, 0)) {
        __m512i copy[8 * WIDE];
        for (int i = 0; i < rows * blocks; i++) copy[i] = acc[i / blocks][i % blocks];
        finish_any(g, rq, o, y, rows, blocks, copy);
        return;
    }
    EQ_UNROLL
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) acc[i][j] = rq16_apply(&rq[j], acc[i][j]);
    y += o;
    if (blocks == 1 && rows % 4 == 0)
        for (int i = 0; i < rows; i += 4, y += 4 * step) {
            const __m512i v = rq16_bytes4(rq, acc[i][0], acc[i + 1][0], acc[i + 2][0], acc[i + 3][0]);
            store16(y, left, _mm512_castsi512_si128(v));
            store16(y + step, left, _mm512_extracti32x4_epi32(v, 1));
            store16(y + 2 * step, left, _mm512_extracti32x4_epi32(v, 2));
            store16(y + 3 * step, left, _mm512_extracti32x4_epi32(v, 3));
        }
    else if (blocks == 2 && rows % 2 == 0)
        for (int i = 0; i < rows; i += 2, y += 2 * step) {
            const __m512i v = rq16_bytes4(rq, acc[i][0], acc[i][1], acc[i + 1][0], acc[i + 1][1]);
            store32(y, left, _mm512_castsi512_si256(v));
            store32(y + step, left, _mm512_extracti64x4_epi64(v, 1));
        }
    else if (blocks == 4 && left == 4 * NR)
        for (int i = 0; i < rows; i++, y += step) _mm512_storeu_si512(y, rq16_bytes4(rq, acc[i][0], acc[i][1], acc[i][2], acc[i][3]));
    else
        for (int i = 0; i < rows; i++, y += step)
            for (int j = 0; j < blocks; j++) store16(y + NR * j, left - NR * (size_t)j, rq16_bytes(rq, acc[i][j]));
}

/* Channel parameters of `blocks` blocks from channel o on. */
EQ_INLINE void params(const struct eq_gemm_s8_u8_s8 *g, size_t o, const int blocks, struct rq16 *rq) {
    for (int j = 0; j < blocks; j++) {
        const size_t at = o + NR * (size_t)j;
        rq[j] = rq16_from(_mm512_loadu_si512(g->rq.bias + at), _mm512_loadu_si512(g->rq.m + at),
                          _mm_loadu_si128((const __m128i *)(g->rq.n + at)), g->y_zero, g->lo, g->hi);
    }
}

/* Every row of `blocks` blocks from channel o on, in tiles of a kernel's own. */
#define EQ_TILES_OF_ROWS(g, rq, o, blocks, tile)                                                                                           \
    do {                                                                                                                                   \
        size_t i_ = 0;                                                                                                                     \
        if ((blocks) <= 2) {                                                                                                               \
            const size_t most_ = (blocks) == 1 ? 8 : 6;                                                                                    \
            for (; i_ + most_ <= (g)->m; i_ += most_) tile(g, rq, o, i_, (blocks) == 1 ? 8 : 6, blocks);                                   \
            for (; i_ + 4 <= (g)->m; i_ += 4) tile(g, rq, o, i_, 4, blocks);                                                               \
            for (; i_ + 2 <= (g)->m; i_ += 2) tile(g, rq, o, i_, 2, blocks);                                                               \
        }                                                                                                                                  \
        for (; i_ < (g)->m; i_++) tile(g, rq, o, i_, 1, blocks);                                                                           \
    } while (0)

/* All channels: four blocks at once of a single row, else two. */
#define EQ_TILES(g, channels)                                                                                                              \
    do {                                                                                                                                   \
        size_t o_ = 0;                                                                                                                     \
        if ((g)->m == 1)                                                                                                                   \
            for (; o_ + NR * (WIDE - 1) < (g)->n; o_ += NR * WIDE) channels(g, o_, WIDE);                                                  \
        for (; o_ + NR < (g)->n; o_ += 2 * NR) channels(g, o_, 2);                                                                         \
        if (o_ < (g)->n) channels(g, o_, 1);                                                                                               \
    } while (0)
#endif
