/* How sums of 64 bits end on NEON: 8 channels. */
#ifndef EQ_KERNELS_NEON_WIDE_H
#define EQ_KERNELS_NEON_WIDE_H
#include "neon.h"

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
EQ_INLINE struct rq16 rq16_some(const struct eq_rq *rq, size_t o, size_t count) {
    if (count >= 4) return rq16_from(rq->bias + o, rq->m + o, rq->n + o);
    int32_t bias[4] = {0}, m[4] = {0};
    int8_t n[4] = {0};
    memcpy(bias, rq->bias + o, 4 * count);
    memcpy(m, rq->m + o, 4 * count);
    memcpy(n, rq->n + o, count);
    return rq16_from(bias, m, n);
}

/* Of 8 channels, from the at-th of n on. */
struct rq16_8 {
    struct rq16 half[2];
};

EQ_INLINE struct rq16_8 rq16_load(const struct eq_rq *rq, size_t at, size_t n) {
    struct rq16_8 r;
    r.half[0] = rq16_some(rq, at, n - at);
    r.half[1] = rq16_some(rq, at + 4 < n ? at + 4 : at, at + 4 < n ? n - at - 4 : 0);
    return r;
}

/* eq_requantize_wide of 2 sums, saturated to 32 bits, which the clamp allows. */
EQ_INLINE int32x2_t rq16_apply(const struct rq16 *r, const int i, int64x2_t acc) {
    const int32x2_t m = i ? vget_high_s32(r->m) : vget_low_s32(r->m);
    acc = vaddq_s64(acc, r->bias[i]);
    const int32x2_t high = vshrn_n_s64(acc, 16), low = vmovn_s64(vandq_s64(acc, vdupq_n_s64(0xffff)));
    const int64x2_t rest = vshrq_n_s64(vmlal_s32(r->half[i], low, m), 16);
    return vqmovn_s64(vshlq_s64(vmlal_s32(rest, high, m), r->right[i]));
}

/* The first `count` of 8 channels, at most all; sums [4] without the bias. */
EQ_INLINE void store_wide(const struct rq16_8 *rq, size_t count, int16_t *y, const int64x2_t *sums, int32_t lo, int32_t hi) {
    int16x4_t half[2];
    for (int i = 0; i < 2; i++)
        half[i] = vqmovn_s32(vcombine_s32(rq16_apply(&rq->half[i], 0, sums[2 * i]), rq16_apply(&rq->half[i], 1, sums[2 * i + 1])));
    const int16x8_t least = vdupq_n_s16((int16_t)lo), most = vdupq_n_s16((int16_t)hi);
    const int16x8_t words = vminq_s16(vmaxq_s16(vcombine_s16(half[0], half[1]), least), most);
    if (count >= 8) vst1q_s16(y, words);
    else memcpy(y, &words, count * sizeof *y);
}

/* Sums of 32 bits join sums [4] of 64. */
EQ_INLINE void widen(int64x2_t *sums, int32x4_t low, int32x4_t high) {
    sums[0] = vaddw_s32(sums[0], vget_low_s32(low));
    sums[1] = vaddw_high_s32(sums[1], low);
    sums[2] = vaddw_s32(sums[2], vget_low_s32(high));
    sums[3] = vaddw_high_s32(sums[3], high);
}
#endif
