/* Four unsigned activations of a row meet 16 channels in one instruction. Two blocks of channels and six rows at a time, or one and
 * eight; the requantization of a tile runs beside the products of the next, which use another port. */
#include "avx512.h"
#include "sum_u8.h"

enum { NR = 16, KR = 4, WIDE = 4 /* blocks of a single row */ };

EQ_INLINE __m512i four(const uint8_t *a) {
    int32_t v;
    memcpy(&v, a, sizeof v);
    return _mm512_set1_epi32(v);
}

EQ_INLINE size_t depth(const struct eq_gemm_s8_u8_s8 *g) { return g->parts * ((g->k + KR - 1) / KR * KR); }

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
    else
        for (int i = 0; i < rows; i++, y += step)
            for (int j = 0; j < blocks; j++) store16(y + NR * j, left - NR * (size_t)j, rq16_bytes(rq, acc[i][j]));
}

EQ_INLINE void tile(const struct eq_gemm_s8_u8_s8 *g, const struct rq16 *rq, size_t o, size_t first, const int rows, const int blocks) {
    const size_t block = depth(g) * NR;
    const int8_t *w = g->w + o * depth(g);
    const uint8_t *a[8];
    uint32_t zero[8] = {0};
    __m512i acc[8][WIDE];
    for (int i = 0; i < rows; i++) a[i] = g->a + g->rows[first + (size_t)i];
    if (__builtin_expect(g->w_zero != 0, 0))
        for (int i = 0; i < rows; i++) zero[i] = zero_term(g, a[i]);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) acc[i][j] = rq[j].bias;
    if (__builtin_expect(g->w_zero != 0, 0))
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < blocks; j++) acc[i][j] = _mm512_sub_epi32(acc[i][j], _mm512_set1_epi32((int32_t)zero[i]));
    for (size_t p = 0; p < g->parts; p++) {
        const ptrdiff_t begin = g->parts_at[p], end = begin + (ptrdiff_t)g->k;
        for (ptrdiff_t k = begin; k < end; k += KR, w += NR * KR) {
            __m512i b[WIDE];
            for (int j = 0; j < blocks; j++) b[j] = _mm512_loadu_si512(w + (size_t)j * block);
            for (int i = 0; i < rows; i++) {
                const __m512i v = four(a[i] + k);
                for (int j = 0; j < blocks; j++) acc[i][j] = _mm512_dpbusd_epi32(acc[i][j], v, b[j]);
            }
        }
    }
    finish(g, rq, o, g->y + first * g->y_stride, rows, blocks, acc);
}

EQ_INLINE void channels(const struct eq_gemm_s8_u8_s8 *g, size_t o, const int blocks) {
    struct rq16 rq[WIDE];
    for (int j = 0; j < blocks; j++) {
        const size_t at = o + NR * (size_t)j;
        rq[j] = rq16_from(_mm512_loadu_si512(g->rq.bias + at), _mm512_loadu_si512(g->rq.m + at),
                          _mm_loadu_si128((const __m128i *)(g->rq.n + at)), g->y_zero, g->lo, g->hi);
    }
    const size_t most = blocks == 1 ? 8 : blocks == 2 ? 6 : 1;
    size_t i = 0;
    if (blocks <= 2) {
        for (; i + most <= g->m; i += most) tile(g, rq, o, i, blocks == 1 ? 8 : 6, blocks);
        for (; i + 4 <= g->m; i += 4) tile(g, rq, o, i, 4, blocks);
        for (; i + 2 <= g->m; i += 2) tile(g, rq, o, i, 2, blocks);
    }
    for (; i < g->m; i++) tile(g, rq, o, i, 1, blocks);
}

void eq_gemm_s8_u8_s8__avx512_vnni(const struct eq_gemm_s8_u8_s8 *g) {
    size_t o = 0;
    if (g->m == 1)
        for (; o + NR * (WIDE - 1) < g->n; o += NR * WIDE) channels(g, o, WIDE);
    for (; o + NR < g->n; o += 2 * NR) channels(g, o, 2);
    if (o < g->n) channels(g, o, 1);
}
