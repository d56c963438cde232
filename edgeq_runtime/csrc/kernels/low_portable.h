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

/* Weights from element i of one plane on, a byte of them at a time; at most LOW_CHUNK. */
enum { LOW_CHUNK = 64 };
EQ_INLINE void low_plane(const uint8_t *w, size_t i, size_t count, const int bits, int8_t *to) {
    const size_t per = 8 / (size_t)bits;
    size_t k = 0;
    for (; k < count && (i + k) % per != 0; k++) to[k] = (int8_t)low_weight(w, NULL, i + k, bits);
    for (; count - k >= per; k += per)
        for (size_t s = 0; s < per; s++) to[k + s] = (int8_t)low_weight(w + (i + k) / per, NULL, s, bits);
    for (; k < count; k++) to[k] = (int8_t)low_weight(w, NULL, i + k, bits);
}

static inline void low_unpack(const uint8_t *w, const uint8_t *low, size_t i, size_t count, const int bits, int8_t *to) {
    int8_t rest[LOW_CHUNK];
    low_plane(w, i, count, bits, to);
    if (!low) return;
    low_plane(low, i, count, bits, rest);
    for (size_t k = 0; k < count; k++) to[k] = (int8_t)(16 * to[k] + rest[k]);
}

/* The products of `depth` inputs x with the weights from element `first` on; their groups from number `at` on. Group after group: not every
 * CPU divides. */
#define LOW_PART(types, element, bits)                                                                                                     \
    static uint32_t part(const struct eq_gemm_##types *g, const element *x, size_t depth, size_t first, size_t at) {                       \
        int8_t w[LOW_CHUNK];                                                                                                               \
        const size_t group = g->multipliers ? g->group : depth;                                                                            \
        uint32_t all = 0;                                                                                                                  \
        for (size_t from = 0; from < depth; from += group, at++) {                                                                         \
            const size_t end = depth - from < group ? depth : from + group;                                                                \
            uint32_t sum = 0;                                                                                                              \
            for (size_t k = from, count; k < end; k += count) {                                                                            \
                count = end - k < LOW_CHUNK ? end - k : LOW_CHUNK;                                                                         \
                low_unpack((const uint8_t *)g->w, g->low, first + k, count, bits, w);                                                      \
                for (size_t i = 0; i < count; i++) sum += (uint32_t)(x[k + i] * w[i]);                                                     \
            }                                                                                                                              \
            all += low_times(g->multipliers, at) * sum;                                                                                    \
        }                                                                                                                                  \
        return all;                                                                                                                        \
    }                                                                                                                                      \
    static size_t groups_of(const struct eq_gemm_##types *g, size_t depth) {                                                               \
        return g->multipliers ? (depth + g->group - 1) / g->group : 1;                                                                     \
    }

/* A kernel for rows of bytes. */
#define LOW_BAND(types, element, bits)                                                                                                     \
    LOW_PART(types, element, bits)                                                                                                         \
    void eq_gemm_##types##__portable(const struct eq_gemm_##types *g) {                                                                    \
        const size_t groups = groups_of(g, g->k);                                                                                          \
        for (size_t i = 0; i < g->m; i++)                                                                                                  \
            for (size_t o = 0; o < g->n; o++) {                                                                                            \
                uint32_t sum = 0;                                                                                                          \
                for (size_t p = 0, at = o * g->parts; p < g->parts; p++, at++)                                                             \
                    sum += part(g, g->a + (ptrdiff_t)g->rows[i] + g->parts_at[p], g->k, at * g->k, at * groups);                           \
                const int32_t acc = (int32_t)((uint32_t)g->rq.bias[o] + (sum << g->up));                                                   \
                g->y[i * g->y_stride + o] = eq_clamp_s8(eq_requantize(acc, g->rq.m[o], g->rq.n[o]), g->y_zero, g->lo, g->hi);              \
            }                                                                                                                              \
    }

/* A kernel for rows of 16 bits. */
#define LOW_WIDE(types, bits)                                                                                                              \
    LOW_PART(types, int16_t, bits)                                                                                                         \
    void eq_gemm_##types##__portable(const struct eq_gemm_##types *g) {                                                                    \
        const size_t groups = groups_of(g, g->depth), taps = g->k / g->depth;                                                              \
        for (size_t i = 0; i < g->m; i++)                                                                                                  \
            for (size_t o = 0; o < g->n; o++) {                                                                                            \
                const int16_t *a = g->a + i * g->a_stride;                                                                                 \
                uint32_t sum = 0;                                                                                                          \
                for (size_t t = 0, at = o * taps; t < taps; t++, at++)                                                                     \
                    sum += part(g, a + t * g->depth, g->depth, g->first + at * g->depth, at * groups);                                     \
                const int32_t acc = (int32_t)((uint32_t)g->rq.bias[o] + (sum << g->up));                                                   \
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
