/* Weights of 8 channels, widened to 16 bits, meet one activation in a lane of another register. Sums of 32 bits hold 508 products; then
 * they join sums of 64. */
#include "neon.h"

enum { NR = 8, ROWS = 4, WIDE = 2 /* blocks of a tile of one row */, STEP = 4, EXACT = 508 };

/* Of 4 channels, 2 in each register but m; right: as a shift to the left goes. */
struct rq16 {
    int64x2_t bias[2], half[2], right[2];
    int32x4_t m;
};

EQ_INLINE struct rq16 rq16_from(const int32_t *bias, const int32_t *m, const int8_t *n) {
    const int32x4_t shifts = wide4(n), sums = vld1q_s32(bias);
    struct rq16 r;
    r.m = vld1q_s32(m);
    for (int i = 0; i < 2; i++) {
        const int64x2_t wide = vmovl_s32(i ? vget_high_s32(shifts) : vget_low_s32(shifts));
        r.bias[i] = vmovl_s32(i ? vget_high_s32(sums) : vget_low_s32(sums));
        r.half[i] = vshlq_s64(vdupq_n_s64(1), vaddq_s64(wide, vdupq_n_s64(30)));
        r.right[i] = vsubq_s64(vdupq_n_s64(-15), wide);
    }
    return r;
}

/* Channels o .. o + count - 1; the lanes beyond give 0. */
EQ_INLINE struct rq16 rq16_load(const struct eq_rq *rq, size_t o, size_t count) {
    if (count >= 4) return rq16_from(rq->bias + o, rq->m + o, rq->n + o);
    int32_t bias[4] = {0}, m[4] = {0};
    int8_t n[4] = {0};
    memcpy(bias, rq->bias + o, 4 * count);
    memcpy(m, rq->m + o, 4 * count);
    memcpy(n, rq->n + o, count);
    return rq16_from(bias, m, n);
}

/* eq_requantize_wide of 2 sums, saturated to 32 bits, which the clamp allows. */
EQ_INLINE int32x2_t rq16_apply(const struct rq16 *r, const int i, int64x2_t acc) {
    const int32x2_t m = i ? vget_high_s32(r->m) : vget_low_s32(r->m);
    acc = vaddq_s64(acc, r->bias[i]);
    const int32x2_t high = vshrn_n_s64(acc, 16), low = vmovn_s64(vandq_s64(acc, vdupq_n_s64(0xffff)));
    const int64x2_t rest = vshrq_n_s64(vmlal_s32(r->half[i], low, m), 16);
    return vqmovn_s64(vshlq_s64(vmlal_s32(rest, high, m), r->right[i]));
}

/* A row of a block, sums [4]: requantize and store. */
EQ_INLINE void finish(const struct eq_gemm_s16_s16_s8 *g, size_t at, int16_t *y, const int64x2_t *sums) {
    int16x4_t half[2];
    for (size_t i = 0; i < 2; i++) {
        const size_t o = at + 4 * i, count = o < g->n ? g->n - o : 0;
        const struct rq16 rq = rq16_load(&g->rq, count ? o : at, count);
        half[i] = vqmovn_s32(vcombine_s32(rq16_apply(&rq, 0, sums[2 * i]), rq16_apply(&rq, 1, sums[2 * i + 1])));
    }
    const int16x8_t lo = vdupq_n_s16((int16_t)g->lo), hi = vdupq_n_s16((int16_t)g->hi);
    const int16x8_t words = vminq_s16(vmaxq_s16(vcombine_s16(half[0], half[1]), lo), hi);
    if (g->n - at >= NR) vst1q_s16(y + at, words);
    else memcpy(y + at, &words, (g->n - at) * sizeof *y);
}

EQ_ONE_COPY void finish_all(const struct eq_gemm_s16_s16_s8 *g, size_t at, int rows, int blocks, const int64x2_t *sums) {
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++, sums += 4) finish(g, at + NR * (size_t)j, g->y + (size_t)i * g->y_stride, sums);
}

/* Input k + lane of every block with lane `lane` of every row: a constant, for the instruction. */
#define TAKE(lane)                                                                                                                         \
    for (int j = 0; j < blocks; j++) {                                                                                                     \
        const int16x8_t wide = vmovl_s8(vld1_s8(w + (size_t)j * block + (k + (lane)) * NR));                                               \
        for (int i = 0; i < rows; i++) {                                                                                                   \
            acc[i][j][0] = vmlal_lane_s16(acc[i][j][0], vget_low_s16(wide), a[i], lane);                                                   \
            acc[i][j][1] = vmlal_high_lane_s16(acc[i][j][1], wide, a[i], lane);                                                            \
        }                                                                                                                                  \
    }

/* Inputs [from, to) of the tile, whose sums fit in 32 bits. */
EQ_INLINE void accumulate(const struct eq_gemm_s16_s16_s8 *g, const int8_t *w, size_t from, size_t to, const int rows, const int blocks,
                          int64x2_t *sums) {
    const size_t block = g->k * NR;
    int32x4_t acc[ROWS][WIDE][2];
    int16x4_t a[ROWS];
    size_t k = from;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) acc[i][j][0] = acc[i][j][1] = vdupq_n_s32(0);
    for (; k + STEP <= to; k += STEP) {
        for (int i = 0; i < rows; i++) a[i] = vld1_s16(g->a + (size_t)i * g->a_stride + k);
        TAKE(0)
        TAKE(1)
        TAKE(2)
        TAKE(3)
    }
    for (; k < to; k++) {
        for (int i = 0; i < rows; i++) a[i] = vdup_n_s16(g->a[(size_t)i * g->a_stride + k]);
        TAKE(0)
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++)
            for (int h = 0; h < 2; h++, sums += 2) {
                sums[0] = vaddw_s32(sums[0], vget_low_s32(acc[i][j][h]));
                sums[1] = vaddw_high_s32(sums[1], acc[i][j][h]);
            }
}

EQ_INLINE void tile(const struct eq_gemm_s16_s16_s8 *g, size_t o, const int rows, const int blocks) {
    int64x2_t sums[ROWS * WIDE * 4];
    for (int i = 0; i < 4 * rows * blocks; i++) sums[i] = vdupq_n_s64(0);
    for (size_t k = 0; k < g->k; k += EXACT) accumulate(g, g->w + o * g->k, k, g->k - k < EXACT ? g->k : k + EXACT, rows, blocks, sums);
    finish_all(g, o, rows, blocks, sums);
}

EQ_INLINE void run(const struct eq_gemm_s16_s16_s8 *g, const int rows, const int blocks) {
    size_t o = 0;
    for (; o + NR * (size_t)(blocks - 1) < g->n; o += NR * (size_t)blocks) tile(g, o, rows, blocks);
    for (; o < g->n; o += NR) tile(g, o, rows, 1);
}

/* Four rows or one: the code of two and three is not worth its size. */
void eq_gemm_s16_s16_s8__neon(const struct eq_gemm_s16_s16_s8 *g) {
    struct eq_gemm_s16_s16_s8 part = *g;
    for (size_t done = 0; done < g->m; done += part.m) {
        part.m = g->m - done >= ROWS ? ROWS : 1;
        part.a = g->a + done * g->a_stride;
        part.y = g->y + done * g->y_stride;
        if (part.m == ROWS) run(&part, ROWS, 1);
        else run(&part, 1, WIDE);
    }
}
