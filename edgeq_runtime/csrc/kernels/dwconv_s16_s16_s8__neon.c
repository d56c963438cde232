/* 8 channels at once. Sums of 32 bits hold 508 products; then they join sums of 64. */
#include "eq_round.h"
#include "neon_wide.h"

enum { NR = 8, EXACT = 508 };

/* Taps [t, end) of 8 channels. */
EQ_INLINE void accumulate(const struct eq_dwconv_s16_s16_s8 *d, const int16_t *x, const int8_t *w, size_t t, size_t end, int64x2_t *sums) {
    int32x4_t low = vdupq_n_s32(0), high = low;
    for (; t < end; t++) {
        const int16x8_t a = vld1q_s16(x + d->x_at[t]), b = vmovl_s8(vld1_s8(w + d->w_at[t]));
        low = vmlal_s16(low, vget_low_s16(a), vget_low_s16(b));
        high = vmlal_high_s16(high, a, b);
    }
    widen(sums, low, high);
}

/* Channels c .. c + 7 of all pixels. */
static void eight(const struct eq_dwconv_s16_s16_s8 *d, size_t c) {
    const struct rq16_8 rq = rq16_load(&d->rq, c, d->channels);
    for (size_t i = 0; i < d->pixels; i++) {
        int64x2_t sums[4] = {vdupq_n_s64(0), vdupq_n_s64(0), vdupq_n_s64(0), vdupq_n_s64(0)};
        for (size_t t = 0; t < d->taps; t += EXACT)
            accumulate(d, d->x + i * d->x_step + c, d->w + c, t, d->taps - t < EXACT ? d->taps : t + EXACT, sums);
        store_wide(&rq, NR, d->y + i * d->channels + c, sums, d->lo, d->hi);
    }
}

EQ_RARE void single(const struct eq_dwconv_s16_s16_s8 *d, size_t c) {
    for (size_t i = 0; i < d->pixels; i++) {
        int64_t sum = d->rq.bias[c];
        for (size_t t = 0; t < d->taps; t++) sum += d->x[d->x_at[t] + i * d->x_step + c] * d->w[d->w_at[t] + c];
        d->y[i * d->channels + c] = eq_clamp_s16(eq_requantize_wide(sum, d->rq.m[c], d->rq.n[c]), d->lo, d->hi);
    }
}

/* The last 8 channels may be some of those before again. */
void eq_dwconv_s16_s16_s8__neon(const struct eq_dwconv_s16_s16_s8 *d) {
    size_t c = 0;
    for (; c + NR <= d->channels; c += NR) eight(d, c);
    if (c < d->channels && d->channels >= NR) eight(d, d->channels - NR);
    else
        for (; c < d->channels; c++) single(d, c);
}
