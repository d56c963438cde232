#include "cortexm_mve_dwconv.h"

EQ_INLINE struct halves split(const int32_t *v) {
    const int32x4x2_t both = vld2q_s32(v);
    return (struct halves){both.val[0], both.val[1]};
}

/* Of eight channels from the first one of rq on. Returns whether a sum is shifted left. */
EQ_INLINE int set_channels(struct block *b, const struct eq_rq *rq, size_t taps, int32_t x_zero) {
    struct shared *s = &b->shared;
    const int16x8_t n = vldrbq_s16(rq->n), right = vnegq_s16(n);
    struct halves sum = {vdupq_n_s32(0), vdupq_n_s32(0)};
    for (const int16_t *w = b->w, *end = w + taps * CHANNELS; w < end; w += CHANNELS) {
        const int16x8_t v = vldrhq_s16(w);
        sum.even = vaddq_s32(sum.even, vmovlbq_s16(v));
        sum.odd = vaddq_s32(sum.odd, vmovltq_s16(v));
    }
    s->base = split(rq->bias);
    s->base.even = vmlaq_n_s32(s->base.even, sum.even, -x_zero);
    s->base.odd = vmlaq_n_s32(s->base.odd, sum.odd, -x_zero);
    s->m = split(rq->m);
    const int16x8_t shifts = vminq_s16(right, vdupq_n_s16(-1)), left = vmaxq_s16(vaddq_n_s16(right, 1), vdupq_n_s16(0));
    s->right = (struct halves){vmovlbq_s16(shifts), vmovltq_s16(shifts)};
    s->left = (struct halves){vmovlbq_s16(left), vmovltq_s16(left)};
    return vminvq_s16(1, n) < 1;
}

/* A pixel of some of the channels, which may be shifted left first. */
static void rare_pixel(const struct block *b, size_t taps, const int8_t *const *list, size_t at, mve_pred16_t real, int8_t *y) {
    struct halves sums = begun(b);
    for (size_t t = 0; t < taps; t++) {
        const int16x8_t x = vldrbq_z_s16(list[t] + at, real), w = vldrhq_s16(b->w + t * CHANNELS);
        sums.even = vaddq_s32(sums.even, vmullbq_int_s16(x, w));
        sums.odd = vaddq_s32(sums.odd, vmulltq_int_s16(x, w));
    }
    sums.even = vqshlq_s32(sums.even, b->shared.left.even);
    sums.odd = vqshlq_s32(sums.odd, b->shared.left.odd);
    scale(b, 0, &sums.even, NULL, 1);
    scale(b, 1, &sums.odd, NULL, 1);
    const struct limits limits = limits_of(b);
    vstrbq_p_s16(y, clamped(&limits, joined(&sums)), real);
}

EQ_RARE void rare_block(const struct block *b, const struct eq_dwconv_s8_s8_s8 *d, size_t c) {
    const mve_pred16_t real = vctp16q((uint32_t)(d->channels - c));
    for (const struct eq_stretch_s8 *s = d->stretches; s < d->stretches + d->count; s++)
        for (size_t i = 0; i < s->pixels; i++) rare_pixel(b, d->taps, s->x, c + i * d->x_step, real, s->y + i * d->channels + c);
}

/* The last channels, where they are no eight. */
EQ_RARE void rest(struct block *b, const struct eq_dwconv_s8_s8_s8 *d, size_t c) {
    int32_t bias[CHANNELS] = {0}, m[CHANNELS] = {0};
    int8_t n[CHANNELS] = {0};
    for (size_t i = 0; c + i < d->channels; i++) {
        bias[i] = d->rq.bias[c + i];
        m[i] = d->rq.m[c + i];
        n[i] = d->rq.n[c + i];
    }
    set_channels(b, &(struct eq_rq){bias, m, n}, d->taps, d->x_zero);
    rare_block(b, d, c);
}

/* Of each of the first stretches, a bit: whether every three taps lie side by side, a pixel apart. */
static uint32_t sharing(const struct eq_dwconv_s8_s8_s8 *d) {
    uint32_t mask = 0;
    for (size_t i = 0; i < d->count && i < 32; i++) {
        const int8_t *const *x = d->stretches[i].x;
        uint32_t all = 1;
        for (size_t t = 0; t + TAPS <= d->taps; t += TAPS)
            all &= (uintptr_t)x[t + 1] - (uintptr_t)x[t] == d->x_step && (uintptr_t)x[t + 2] - (uintptr_t)x[t + 1] == d->x_step;
        mask |= all << i;
    }
    return mask;
}

EQ_INLINE void stretch(const struct block *b, const struct eq_dwconv_s8_s8_s8 *d, const struct eq_stretch_s8 *s, size_t c,
                       const int shares) {
    const size_t channels = d->channels, x_step = d->x_step;
    const int8_t *const *list = s->x;
    int8_t *y = s->y + c;
    size_t i = s->pixels, at = c;
    for (; i >= 2; i -= 2, at += 2 * x_step, y += 2 * channels) pixels(b, shares, list, at, x_step, y, channels);
    if (i) pixel(b, list, at, y);
}

void eq_dwconv_s8_s8_s8__cortexm_mve(const struct eq_dwconv_s8_s8_s8 *d) {
    const size_t channels = d->channels;
    const uint32_t shared = sharing(d);
    struct block b; /* set one by one: compilers would clear all of it first */
    b.w = d->w;
    b.many = d->taps / TAPS;
    b.few = d->taps % TAPS;
    b.zero = (int16_t)d->y_zero;
    b.shared.lo = vdupq_n_s16((int16_t)d->lo);
    b.shared.hi = vdupq_n_s16((int16_t)d->hi);
    size_t c = 0;
    for (; channels - c >= CHANNELS; c += CHANNELS, b.w += CHANNELS * d->taps) {
        if (set_channels(&b, &(struct eq_rq){d->rq.bias + c, d->rq.m + c, d->rq.n + c}, d->taps, d->x_zero)) {
            rare_block(&b, d, c);
            continue;
        }
        uint32_t left = shared;
        for (const struct eq_stretch_s8 *s = d->stretches; s < d->stretches + d->count; s++, left >>= 1) {
            if (left & 1) stretch(&b, d, s, c, 1);
            else stretch(&b, d, s, c, 0);
        }
    }
    if (c < channels) rest(&b, d, c);
}
