/* Two products of int8 fit in int16: 16 inputs of a row and a channel take smull, smlal2 and one pairwise add into four int32. Only
 * (-128)(-128) twice does not fit; weights with a -128 take the products one by one. 4 rows x 4 channels or 2 rows x 8 at a time. */
#include "neon.h"

enum { NR = 4, KR = 16, ROWS = 4, WIDE = 2 /* blocks of a narrow tile */ };

EQ_INLINE int32x4_t add_products(int32x4_t acc, int8x16_t a, int8x16_t w, const int first, const int low) {
    int16x8_t p = vmull_s8(vget_low_s8(a), vget_low_s8(w));
    if (low) {
        acc = first ? vpaddlq_s16(p) : vpadalq_s16(acc, p);
        return vpadalq_s16(acc, vmull_high_s8(a, w));
    }
    p = vmlal_high_s8(p, a, w);
    return first ? vpaddlq_s16(p) : vpadalq_s16(acc, p);
}

EQ_INLINE void step(const int8_t *const a[ROWS], const int8_t *w, size_t block, size_t k, const int rows, const int blocks, const int first,
                    const int low, int32x4_t acc[ROWS][WIDE * NR]) {
    int8x16_t x[ROWS];
    for (int i = 0; i < rows; i++) x[i] = vld1q_s8(a[i] + k);
    for (int j = 0; j < blocks * NR; j++) {
        const int8x16_t v = vld1q_s8(w + (size_t)(j / NR) * block + k * NR + (size_t)(j % NR) * KR);
        for (int i = 0; i < rows; i++) acc[i][j] = add_products(acc[i][j], x[i], v, first, low);
    }
}

/* The sums of `rows` rows and 4 channels, to 4 bytes of each row. */
EQ_INLINE void finish(const struct eq_gemm_s8_s8_s8 *g, size_t at, const int rows, const uint32_t *zero, int32x4_t v[ROWS], int8_t *y) {
    int64_t n_bytes = 0;
    memcpy(&n_bytes, g->rq.n + at, NR);
    const int32x4_t n = vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8((uint64_t)n_bytes)))), bias = vld1q_s32(g->rq.bias + at);
    const struct rq4 rq = rq4_from(vld1q_s32(g->rq.m + at), n);
    const struct clamp16 clamp = clamp16_load(g->y_zero, g->lo, g->hi);
    for (int i = 0; i < rows; i++) v[i] = vaddq_s32(v[i], bias);
    if (g->w_zero != 0)
        for (int i = 0; i < rows; i++) v[i] = vsubq_s32(v[i], vdupq_n_s32((int32_t)zero[i]));
    if (__builtin_expect(vminvq_s32(n) < 1, 0))
        for (int i = 0; i < rows; i++) v[i] = vqshlq_s32(v[i], rq.left);
    for (int i = 0; i < rows; i++) v[i] = rq4_apply(&rq, v[i]);
    for (int i = rows; i < ROWS; i++) v[i] = v[0];
    const int8x16_t bytes = clamp16_apply(&clamp, vqmovn_high_s32(vqmovn_s32(v[0]), v[1]), vqmovn_high_s32(vqmovn_s32(v[2]), v[3]));
    const int32x4_t words = vreinterpretq_s32_s8(bytes);
    const int32_t out[ROWS] = {vgetq_lane_s32(words, 0), vgetq_lane_s32(words, 1), vgetq_lane_s32(words, 2), vgetq_lane_s32(words, 3)};
    if (g->n - at >= NR) {
        for (int i = 0; i < rows; i++) memcpy(y + (size_t)i * g->y_stride + at, &out[i], NR);
    } else {
        for (int i = 0; i < rows; i++) memcpy(y + (size_t)i * g->y_stride + at, &out[i], g->n - at);
    }
}

EQ_INLINE int32x4_t sum_lanes(const int32x4_t v[NR]) { return vpaddq_s32(vpaddq_s32(v[0], v[1]), vpaddq_s32(v[2], v[3])); }

EQ_INLINE void tile(const struct eq_gemm_s8_s8_s8 *g, size_t row, size_t at, const int rows, const int blocks, const int low,
                    const uint32_t *zero) {
    const size_t block = g->k * NR, depth = g->k;
    const int8_t *w = g->w + at * depth, *a[ROWS];
    int32x4_t acc[ROWS][WIDE * NR], v[ROWS];
    for (int i = 0; i < rows; i++) a[i] = g->a + (row + (size_t)i) * g->a_stride;
    step(a, w, block, 0, rows, blocks, 1, low, acc);
    for (size_t k = KR; k < depth; k += KR) step(a, w, block, k, rows, blocks, 0, low, acc);
    for (int j = 0; j < blocks; j++) {
        for (int i = 0; i < rows; i++) v[i] = sum_lanes(&acc[i][j * NR]);
        finish(g, at + (size_t)j * NR, rows, zero + row, v, g->y + row * g->y_stride);
    }
}

/* All channels of a few rows. */
EQ_INLINE void strip(const struct eq_gemm_s8_s8_s8 *g, size_t row, const int rows, const int blocks, const int low, const uint32_t *zero) {
    size_t at = 0;
    for (; at + NR * (size_t)(blocks - 1) < g->n; at += NR * (size_t)blocks) tile(g, row, at, rows, blocks, low, zero);
    for (; at < g->n; at += NR) tile(g, row, at, rows, 1, low, zero);
}

EQ_INLINE void run(const struct eq_gemm_s8_s8_s8 *g, const int low, const uint32_t *zero) {
    size_t row = 0;
    for (; row + ROWS <= g->m; row += ROWS) strip(g, row, ROWS, 1, low, zero);
    if (g->m - row == 3) strip(g, row, 3, 1, low, zero);
    else if (g->m - row == 2) strip(g, row, 2, WIDE, low, zero);
    else if (g->m - row == 1) strip(g, row, 1, WIDE, low, zero);
}

static void run_low(const struct eq_gemm_s8_s8_s8 *g, const uint32_t *zero) { run(g, 1, zero); }

void eq_gemm_s8_s8_s8__neon(const struct eq_gemm_s8_s8_s8 *g) {
    uint32_t zero[2 * ROWS] = {0};
    if (g->w_zero != 0) zero_terms(g->a, g->a_stride, g->m, g->k, g->w_zero, zero);
    if (g->w_lowest == INT8_MIN) run_low(g, zero);
    else run(g, 0, zero);
}
