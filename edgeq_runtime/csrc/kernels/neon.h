/* Vector words that the kernels for Arm share. */
#ifndef EQ_KERNELS_NEON_H
#define EQ_KERNELS_NEON_H
#include "eq_kernels.h"
#include <arm_neon.h>
#include <string.h>
#ifndef __aarch64__
#include "neon_32.h"
#endif

struct four {
    int8x16_t v[4];
};
EQ_INLINE struct four load_four(const int8_t *x) {
#ifdef __aarch64__
    const int8x16x4_t f = vld1q_s8_x4(x);
    return (struct four){{f.val[0], f.val[1], f.val[2], f.val[3]}};
#else
    return (struct four){{vld1q_s8(x), vld1q_s8(x + 16), vld1q_s8(x + 32), vld1q_s8(x + 48)}};
#endif
}

/* Requantization of 4 channels. */
struct rq4 {
    int32x4_t m, right, left; /* right: -n, as shifts to the left go; left: 1 - n where n < 1 */
};

EQ_INLINE struct rq4 rq4_from(int32x4_t m, int32x4_t n) {
    const int32x4_t one = vdupq_n_s32(1), up = vmaxq_s32(n, one);
    const struct rq4 r = {m, vnegq_s32(up), vsubq_s32(up, n)};
    return r;
}

/* With p = acc m: sqdmulh gives floor(p / 2^31), and srshl adds 2^(n-1), a whole number as n >= 1, before it divides by 2^n with floor.
 * The floor of a sum with a whole number and the floor of a quotient by one may be taken early, so the result is
 * floor(p / 2^(31+n) + 1/2): one rounding. sqrdmulh would be a second one. sqdmulh saturates only for m = -2^31, which no file has. */
EQ_INLINE int32x4_t rq4_apply(const struct rq4 *r, int32x4_t acc) { return vrshlq_s32(vqdmulhq_s32(acc, r->m), r->right); }

EQ_INLINE int32x4_t wide4(const int8_t *n) {
    int32_t four;
    memcpy(&four, n, sizeof four);
    return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)))));
}
/* The shifts of 4 channels: to the right, as negative numbers, for n >= 1 (acc has been shifted left where n < 1), and to the left. */
EQ_INLINE int32x4_t right4(const int8_t *n) { return vminq_s32(vnegq_s32(wide4(n)), vdupq_n_s32(-1)); }
EQ_INLINE int32x4_t left4(const int8_t *n) { return vmaxq_s32(vsubq_s32(vdupq_n_s32(1), wide4(n)), vdupq_n_s32(0)); }

/* The same for 8 channels whose parameters are all there. */
struct right8 {
    int32x4_t m[2], right[2];
};
EQ_INLINE struct right8 right8_load(const struct eq_rq *rq, size_t at) {
    const int16x8_t right = vminq_s16(vnegq_s16(vmovl_s8(vld1_s8(rq->n + at))), vdupq_n_s16(-1));
    const struct right8 r = {{vld1q_s32(rq->m + at), vld1q_s32(rq->m + at + 4)},
                             {vmovl_s16(vget_low_s16(right)), vmovl_s16(vget_high_s16(right))}};
    return r;
}
/* To 8 words; saturating here is exact, as the clamp lies within int8. */
EQ_INLINE int16x8_t right8_apply(const struct right8 *r, int32x4_t low, int32x4_t high) {
    const int32x4_t l = vrshlq_s32(vqdmulhq_s32(low, r->m[0]), r->right[0]), h = vrshlq_s32(vqdmulhq_s32(high, r->m[1]), r->right[1]);
    return vcombine_s16(vqmovn_s32(l), vqmovn_s32(h));
}

/* Of 8 channels. */
struct rq8 {
    struct rq4 part[2];
    int32x4_t bias[2];
    int has_left; /* a channel with n < 1: rare */
};

EQ_INLINE struct rq8 rq8_from(const int32_t *bias, const int32_t *m, const int8_t *n) {
    const int16x8_t wide = vmovl_s8(vld1_s8(n));
    struct rq8 r;
    for (int i = 0; i < 2; i++) {
        r.bias[i] = vld1q_s32(bias + 4 * i);
        r.part[i] = rq4_from(vld1q_s32(m + 4 * i), vmovl_s16(i ? vget_high_s16(wide) : vget_low_s16(wide)));
    }
    r.has_left = vminv_s8(vld1_s8(n)) < 1;
    return r;
}

/* Channels o .. o + count - 1 of rq, count <= 8; the lanes beyond give 0. */
EQ_INLINE struct rq8 rq8_load(const struct eq_rq *rq, size_t o, size_t count) {
    if (count >= 8) return rq8_from(rq->bias + o, rq->m + o, rq->n + o);
    int32_t bias[8] = {0}, m[8] = {0};
    int8_t n[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    memcpy(bias, rq->bias + o, 4 * count);
    memcpy(m, rq->m + o, 4 * count);
    memcpy(n, rq->n + o, count);
    return rq8_from(bias, m, n);
}

/* To 8 words; saturating here is exact, as the clamp lies within int8. */
EQ_INLINE int16x8_t rq8_apply(const struct rq8 *r, int32x4_t low, int32x4_t high) {
    if (__builtin_expect(r->has_left, 0)) {
        low = vqshlq_s32(low, r->part[0].left);
        high = vqshlq_s32(high, r->part[1].left);
    }
    return vcombine_s16(vqmovn_s32(rq4_apply(&r->part[0], low)), vqmovn_s32(rq4_apply(&r->part[1], high)));
}

struct clamp16 {
    int16x8_t zero;
    int8x16_t lo, hi;
};

EQ_INLINE struct clamp16 clamp16_load(int32_t zero, int32_t lo, int32_t hi) {
    const struct clamp16 c = {vdupq_n_s16((int16_t)zero), vdupq_n_s8((int8_t)lo), vdupq_n_s8((int8_t)hi)};
    return c;
}

EQ_INLINE int8x8_t clamp8_apply(const struct clamp16 *c, int16x8_t v) {
    return vmin_s8(vmax_s8(vqmovn_s16(vqaddq_s16(v, c->zero)), vget_low_s8(c->lo)), vget_low_s8(c->hi));
}

EQ_INLINE int8x16_t clamp16_apply(const struct clamp16 *c, int16x8_t low, int16x8_t high) {
    const int8x16_t bytes = vcombine_s8(vqmovn_s16(vqaddq_s16(low, c->zero)), vqmovn_s16(vqaddq_s16(high, c->zero)));
    return vminq_s8(vmaxq_s8(bytes, c->lo), c->hi);
}

EQ_INLINE void store_bytes(int8_t *y, int8x8_t v, size_t count) {
    if (count >= 8) {
        vst1_s8(y, v);
    } else {
        int8_t bytes[8];
        vst1_s8(bytes, v);
        memcpy(y, bytes, count);
    }
}

/* What w_zero takes from every channel of a row. Unsigned: the sum of all is in range, its parts need not be. */
EQ_INLINE uint32_t zero_term(const struct eq_gemm_s8_s8_s8 *g, const int8_t *a) {
    int32_t sum = 0;
    for (size_t p = 0; p < g->parts; p++)
        for (size_t i = 0; i < g->k; i++) sum += a[g->parts_at[p] + (ptrdiff_t)i];
    return (uint32_t)sum * (uint32_t)g->w_zero;
}

EQ_INLINE int8x8_t load_bytes(const int8_t *x, size_t count) {
    if (count >= 8) return vld1_s8(x);
    int8_t bytes[8] = {0};
    memcpy(bytes, x, count);
    return vld1_s8(bytes);
}
#endif
