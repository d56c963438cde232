/* Four channels at once: a word of the input is two pairs of 16 bits less the zero point, and a product takes either half of both of its
 * operands. */
#include "cortexm_dsp.h"

enum { QUAD = 4, TAPS = 3 /* written out in a loop */ };

#define TAP                                                                                                                                \
    "ldr %[x], [%[list]], #4\n\t"                                                                                                          \
    "ldr %[x], [%[x], %[at]]\n\t"                                                                                                          \
    "sxtab16 %[t], %[zero], %[x], ror #8\n\t"                                                                                              \
    "sxtab16 %[x], %[zero], %[x]\n\t"                                                                                                      \
    "ldr %[v], [%[w]], #4\n\t"                                                                                                             \
    "smlabb %[c0], %[x], %[v], %[c0]\n\t"                                                                                                  \
    "smlabt %[c1], %[t], %[v], %[c1]\n\t"                                                                                                  \
    "ldr %[v], [%[w]], #4\n\t"                                                                                                             \
    "smlatb %[c2], %[x], %[v], %[c2]\n\t"                                                                                                  \
    "smlatt %[c3], %[t], %[v], %[c3]\n\t"
#define RUN(text, count)                                                                                                                   \
    __asm volatile("1:\n\t" text "subs %[left], #1\n\tbne 1b\n\t"                                                                          \
                   : [list] "+&r"(list), [w] "+&r"(w), [left] "+&r"(count), [x] "=&r"(x), [t] "=&r"(t), [v] "=&r"(v), [c0] "+&r"(c[0]),    \
                     [c1] "+&r"(c[1]), [c2] "+&r"(c[2]), [c3] "+&r"(c[3])                                                                  \
                   : [at] "r"(at), [zero] "r"(zero)                                                                                        \
                   : "cc", "memory")

/* What all pixels of four channels share. */
struct quad {
    const int16_t *w;
    size_t taps, many, few;
    int16x2_t zero; /* - x_zero, twice */
    int32_t bias[QUAD], m[QUAD], n[QUAD];
    struct dsp_scale s[QUAD];
    int usual;
    struct dsp_output out;
};

EQ_INLINE void add_taps(const struct quad *q, const int8_t *const *list, size_t at, int32_t *c) {
    const int16_t *w = q->w;
    const int16x2_t zero = q->zero;
    size_t many = q->many, few = q->few;
    uint32_t x, t, v;
    if (many) RUN(TAP TAP TAP, many);
    if (few) RUN(TAP, few);
}

/* Bytes, the first one lowest. */
EQ_INLINE uint32_t joined(const int32_t *v) {
    int16x2_t even, odd;
    __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(even) : "r"(v[0]), "r"(v[2]));
    __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(odd) : "r"(v[1]), "r"(v[3]));
    return __uxtb16((uint8x4_t)even) | __uxtb16((uint8x4_t)odd) << 8;
}

EQ_INLINE void pixel(const struct quad *q, const int8_t *const *list, size_t at, int8_t *y) {
    int32_t c[QUAD] = {q->bias[0], q->bias[1], q->bias[2], q->bias[3]}, v[QUAD];
    add_taps(q, list, at, c);
    if (!q->usual) {
        const int32_t copy[QUAD] = {c[0], c[1], c[2], c[3]};
        for (size_t i = 0; i < QUAD; i++) dsp_put_rare(copy + i, 1, 1, q->m[i], q->n[i], &q->out, y + i, 1);
        return;
    }
    for (size_t i = 0; i < QUAD; i++) v[i] = dsp_clamped(dsp_scaled(c[i], &q->s[i]), &q->out, 1);
    const uint32_t bytes = q->out.whole ? joined(v) : dsp_clamped_word(joined(v), &q->out);
    __builtin_memcpy(y, &bytes, sizeof bytes); /* one instruction, wherever y is; in a firmware memcpy is a function */
}

static void set_channels(struct quad *q, const struct eq_rq *rq, size_t first) {
    q->usual = 1;
    for (size_t i = 0; i < QUAD; i++) {
        q->bias[i] = rq->bias[first + i];
        q->m[i] = rq->m[first + i];
        q->n[i] = rq->n[first + i];
        q->usual &= dsp_is_usual(q->n[i]);
        if (q->usual) q->s[i] = dsp_scale_of(q->m[i], q->n[i]);
    }
}

/* A channel that has no three others: w steps over those that were added. */
static void single(const struct eq_dwconv_s8_s8_s8 *d, const struct quad *q, size_t c, const int16_t *w) {
    for (const struct eq_stretch_s8 *s = d->stretches; s < d->stretches + d->count; s++)
        for (size_t i = 0, at = c; i < s->pixels; i++, at += d->x_step) {
            int32_t acc = d->rq.bias[c];
            for (size_t t = 0; t < d->taps; t++) acc += (s->x[t][at] - d->x_zero) * w[t * QUAD];
            dsp_put_rare(&acc, 1, 1, d->rq.m[c], d->rq.n[c], &q->out, s->y + i * d->channels + c, 1);
        }
}

void eq_dwconv_s8_s8_s8__cortexm_dsp(const struct eq_dwconv_s8_s8_s8 *d) {
    const uint32_t minus = (uint32_t)(uint16_t)-d->x_zero;
    const size_t channels = d->channels, x_step = d->x_step;
    struct quad q = {.w = d->w, .taps = d->taps, .many = d->taps / TAPS, .few = d->taps % TAPS, .out = DSP_OUTPUT(d)};
    q.zero = (int16x2_t)(minus << 16 | minus);
    for (size_t c = 0; c < channels; c += QUAD, q.w += QUAD * d->taps) {
        if (channels - c < QUAD) {
            for (size_t i = 0; c + i < channels; i++) single(d, &q, c + i, q.w + i);
            return;
        }
        set_channels(&q, &d->rq, c);
        for (const struct eq_stretch_s8 *s = d->stretches; s < d->stretches + d->count; s++) {
            const int8_t *const *list = s->x;
            size_t at = c;
            for (int8_t *y = s->y + c, *end = y + s->pixels * channels; y != end; y += channels, at += x_step) pixel(&q, list, at, y);
        }
    }
}
