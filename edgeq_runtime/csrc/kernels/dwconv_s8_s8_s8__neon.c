/* 8 channels at a time, pixels inside: the weights of a 3x3 window stay in registers, and where x moves by one pixel the widened columns
 * that the next pixel shares do too. The term of x_zero is the same for every pixel. */
#include "neon.h"

enum { NR = 8, SIDE = 3, WINDOW = SIDE * SIDE };

struct block {
    struct rq8 rq; /* its bias without the term of x_zero */
    struct clamp16 clamp;
    const int16_t *w; /* [taps][8] */
    size_t at, count;
};

struct sum8 {
    int32x4_t low, high;
};

EQ_INLINE struct sum8 add_product(struct sum8 s, int16x8_t x, int16x8_t w) {
    s.low = vmlal_s16(s.low, vget_low_s16(x), vget_low_s16(w));
    s.high = vmlal_high_s16(s.high, x, w);
    return s;
}

EQ_INLINE struct block block_from(const struct eq_dwconv_s8_s8_s8 *d, size_t at, size_t count) {
    const int16x8_t zero = vdupq_n_s16((int16_t)-d->x_zero);
    struct block b;
    b.at = at;
    b.count = count;
    b.w = (const int16_t *)d->w + at * d->taps;
    b.rq = rq8_load(&d->rq, at, b.count);
    b.clamp = clamp16_load(d->y_zero, d->lo, d->hi);
    struct sum8 bias = {b.rq.bias[0], b.rq.bias[1]};
    for (size_t t = 0; t < d->taps; t++) bias = add_product(bias, zero, vld1q_s16(b.w + t * NR));
    b.rq.bias[0] = bias.low;
    b.rq.bias[1] = bias.high;
    return b;
}

EQ_INLINE void finish(const struct block *b, struct sum8 s, int8_t *y, size_t count) {
    store_bytes(y, clamp8_apply(&b->clamp, rq8_apply(&b->rq, s.low, s.high)), count);
}

EQ_INLINE void any_window(const struct eq_dwconv_s8_s8_s8 *d, const struct block *b, const struct eq_stretch_s8 *s, size_t count) {
    for (size_t i = 0; i < s->pixels; i++) {
        struct sum8 sum = {b->rq.bias[0], b->rq.bias[1]};
        for (size_t t = 0; t < d->taps; t++)
            sum = add_product(sum, vmovl_s8(load_bytes(s->x[t] + i * d->x_step + b->at, count)), vld1q_s16(b->w + t * NR));
        finish(b, sum, s->y + i * d->channels + b->at, count);
    }
}

struct column {
    int16x8_t row[SIDE];
};

EQ_INLINE struct column load_column(const int8_t *const x[SIDE], size_t offset) {
    struct column c;
    for (int i = 0; i < SIDE; i++) c.row[i] = vmovl_s8(vld1_s8(x[i] + offset));
    return c;
}

EQ_INLINE struct sum8 add_column(struct sum8 s, const struct column *x, const struct column *w) {
    for (int i = 0; i < SIDE; i++) s = add_product(s, x->row[i], w->row[i]);
    return s;
}

EQ_INLINE void pixel9(const struct block *b, const struct column w[SIDE], const struct column *x0, const struct column *x1,
                      const struct column *x2, int8_t *y) {
    struct sum8 sum = {b->rq.bias[0], b->rq.bias[1]};
    sum = add_column(sum, x0, &w[0]);
    sum = add_column(sum, x1, &w[1]);
    sum = add_column(sum, x2, &w[2]);
    const struct right8 right = {{b->rq.part[0].m, b->rq.part[1].m}, {b->rq.part[0].right, b->rq.part[1].right}};
    vst1_s8(y, clamp8_apply(&b->clamp, right8_apply(&right, sum.low, sum.high)));
}

/* The rows of a stretch whose taps lie x_step apart in each row: a pixel needs one new column. Three at a time, so that nothing moves. */
EQ_INLINE void sliding9(const struct eq_dwconv_s8_s8_s8 *d, const struct block *b, const struct column w[SIDE],
                        const struct eq_stretch_s8 *s) {
    const size_t step = d->x_step, channels = d->channels;
    const int8_t *x[SIDE] = {s->x[0] + b->at, s->x[3] + b->at, s->x[6] + b->at};
    int8_t *y = s->y + b->at;
    struct column c0 = load_column(x, 0), c1 = load_column(x, step), c2;
    size_t left = s->pixels, offset = 2 * step;
    for (;;) {
        c2 = load_column(x, offset);
        pixel9(b, w, &c0, &c1, &c2, y);
        if (--left == 0) return;
        c0 = load_column(x, offset + step);
        pixel9(b, w, &c1, &c2, &c0, y + channels);
        if (--left == 0) return;
        c1 = load_column(x, offset + 2 * step);
        pixel9(b, w, &c2, &c0, &c1, y + 2 * channels);
        if (--left == 0) return;
        offset += SIDE * step;
        y += SIDE * channels;
    }
}

EQ_INLINE int slides(const struct eq_dwconv_s8_s8_s8 *d, const struct eq_stretch_s8 *s) {
    int same = s->pixels > 1;
    for (int i = 0; i < WINDOW && same; i += SIDE)
        same = s->x[i + 1] - s->x[i] == (ptrdiff_t)d->x_step && s->x[i + 2] - s->x[i + 1] == (ptrdiff_t)d->x_step;
    return same;
}

/* Only for n >= 1. It calls nothing, so that its constants stay in registers. */
static __attribute__((noinline)) void window9(const struct eq_dwconv_s8_s8_s8 *d, size_t at) {
    const struct block local = block_from(d, at, NR), *b = &local;
    struct column w[SIDE];
    for (int t = 0; t < WINDOW; t++) w[t % SIDE].row[t / SIDE] = vld1q_s16(b->w + t * NR);
    for (const struct eq_stretch_s8 *s = d->stretches; s < d->stretches + d->count; s++) {
        if (slides(d, s)) {
            sliding9(d, &local, w, s);
            continue;
        }
        for (size_t i = 0, offset = b->at; i < s->pixels; i++, offset += d->x_step) {
            const struct column c0 = load_column((const int8_t *[]){s->x[0], s->x[3], s->x[6]}, offset),
                                c1 = load_column((const int8_t *[]){s->x[1], s->x[4], s->x[7]}, offset),
                                c2 = load_column((const int8_t *[]){s->x[2], s->x[5], s->x[8]}, offset);
            pixel9(&local, w, &c0, &c1, &c2, s->y + i * d->channels + b->at);
        }
    }
}

static __attribute__((noinline)) void any(const struct eq_dwconv_s8_s8_s8 *d, size_t at, size_t count) {
    const struct block b = block_from(d, at, count);
    for (size_t i = 0; i < d->count; i++)
        if (count < NR) any_window(d, &b, &d->stretches[i], count);
        else any_window(d, &b, &d->stretches[i], NR);
}

void eq_dwconv_s8_s8_s8__neon(const struct eq_dwconv_s8_s8_s8 *d) {
    for (size_t at = 0; at < d->channels; at += NR) {
        const size_t count = d->channels - at < NR ? d->channels - at : NR;
        if (count == NR && d->taps == WINDOW && vminv_s8(vld1_s8(d->rq.n + at)) > 0) window9(d, at);
        else any(d, at, count);
    }
}
