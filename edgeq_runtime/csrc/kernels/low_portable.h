/* Weights of less than a byte, one by one: what the portable kernels share. */
#ifndef EQ_KERNELS_LOW_PORTABLE_H
#define EQ_KERNELS_LOW_PORTABLE_H
#include "eq_kernels.h"
#include "eq_round.h"

/* Element i of the neutral layout. low: NULL, or the low plane. */
EQ_INLINE int32_t low_weight(const uint8_t *w, const uint8_t *low, size_t i, const int bits) {
    const int sign = 1 << (bits - 1), shift = (int)(i % (size_t)(8 / bits)) * bits;
    const int32_t v = ((w[i / (size_t)(8 / bits)] >> shift & (2 * sign - 1)) ^ sign) - sign;
    if (bits == 1) return 2 * v + 1;
    return low ? 16 * v + low_weight(low, NULL, i, bits) : v;
}

/* What a group counts whose place among all groups is given. */
EQ_INLINE uint32_t low_times(const uint8_t *multipliers, size_t group) { return multipliers ? multipliers[group] : 1; }

/* A kernel for rows of bytes. */
#define LOW_BAND(types, bits)                                                                                                              \
    static uint32_t dot(const struct eq_gemm_##types *g, size_t i, size_t o) {                                                             \
        const uint8_t *w = (const uint8_t *)g->w;                                                                                          \
        const size_t group = g->multipliers ? g->group : g->k, groups = (g->k + group - 1) / group;                                        \
        uint32_t sum = 0;                                                                                                                  \
        for (size_t p = 0; p < g->parts; p++)                                                                                              \
            for (size_t k = 0; k < g->k; k++) {                                                                                            \
                const uint32_t times = low_times(g->multipliers, (o * g->parts + p) * groups + k / group);                                 \
                const int32_t x = g->a[(ptrdiff_t)g->rows[i] + g->parts_at[p] + (ptrdiff_t)k];                                             \
                sum += times * (uint32_t)(x * low_weight(w, g->low, (o * g->parts + p) * g->k + k, bits));                                 \
            }                                                                                                                              \
        return sum << g->up;                                                                                                               \
    }                                                                                                                                      \
    void eq_gemm_##types##__portable(const struct eq_gemm_##types *g) {                                                                    \
        for (size_t i = 0; i < g->m; i++)                                                                                                  \
            for (size_t o = 0; o < g->n; o++) {                                                                                            \
                const int32_t acc = (int32_t)((uint32_t)g->rq.bias[o] + dot(g, i, o));                                                     \
                g->y[i * g->y_stride + o] = eq_clamp_s8(eq_requantize(acc, g->rq.m[o], g->rq.n[o]), g->y_zero, g->lo, g->hi);              \
            }                                                                                                                              \
    }

/* A kernel for rows of 16 bits. */
#define LOW_WIDE(types, bits)                                                                                                              \
    static int32_t dot(const struct eq_gemm_##types *g, const int16_t *a, size_t o) {                                                      \
        const size_t group = g->multipliers ? g->group : g->depth, taps = g->k / g->depth, groups = (g->depth + group - 1) / group;        \
        uint32_t sum = 0;                                                                                                                  \
        for (size_t t = 0, k = 0; t < taps; t++)                                                                                           \
            for (size_t c = 0; c < g->depth; c++, k++) {                                                                                   \
                const uint32_t times = low_times(g->multipliers, (o * taps + t) * groups + c / group);                                     \
                sum += times * (uint32_t)(a[k] * low_weight(g->w, g->low, g->first + o * g->k + k, bits));                                 \
            }                                                                                                                              \
        return (int32_t)(sum << g->up);                                                                                                    \
    }                                                                                                                                      \
    void eq_gemm_##types##__portable(const struct eq_gemm_##types *g) {                                                                    \
        for (size_t i = 0; i < g->m; i++)                                                                                                  \
            for (size_t o = 0; o < g->n; o++) {                                                                                            \
                const int32_t acc = g->rq.bias[o] + dot(g, g->a + i * g->a_stride, o);                                                     \
                g->y[i * g->y_stride + o] = eq_clamp_s8(eq_requantize(acc, g->rq.m[o], g->rq.n[o]), g->y_zero, g->lo, g->hi);              \
            }                                                                                                                              \
    }

/* A depthwise kernel. */
#define LOW_DWCONV(types, bits)                                                                                                            \
    static int32_t sum_of(const struct eq_dwconv_##types *d, const int8_t *const *x, size_t at, size_t c) {                                \
        int32_t sum = 0;                                                                                                                   \
        for (size_t t = 0; t < d->taps; t++) sum += (x[t][at] - d->x_zero) * low_weight(d->w, d->low, t * d->channels + c, bits);          \
        return sum * (1 << d->up);                                                                                                         \
    }                                                                                                                                      \
    void eq_dwconv_##types##__portable(const struct eq_dwconv_##types *d) {                                                                \
        for (const struct eq_stretch_s8 *s = d->stretches; s < d->stretches + d->count; s++)                                               \
            for (size_t i = 0; i < s->pixels; i++)                                                                                         \
                for (size_t c = 0; c < d->channels; c++) {                                                                                 \
                    const int32_t acc = d->rq.bias[c] + sum_of(d, s->x, i * d->x_step + c, c);                                             \
                    const int32_t v = eq_requantize(acc, d->rq.m[c], d->rq.n[c]);                                                          \
                    s->y[i * d->channels + c] = eq_clamp_s8(v, d->y_zero, d->lo, d->hi);                                                   \
                }                                                                                                                          \
    }
#endif
