/* 3x3 windows with w_zero = 0: the three rows of a column of 8 channels are interleaved to 4 bytes a channel (the fourth meets a weight of
 * 0), so that one sdot takes a column of 4 channels. Pixels side by side share columns. Everything else is the work of the NEON kernel. */
#include "neon.h"

enum { NR = 8, SIDE = 3, WINDOW = SIDE * SIDE };

/* 4 bytes for each of 8 channels. */
struct column {
    int8x16_t low, high;
};

struct block {
    struct right8 right;
    struct clamp16 clamp;
    int32x4_t bias[2], left[2]; /* the bias without the term of x_zero */
    struct column w[SIDE];
    size_t at;
};

EQ_INLINE struct column interleave(int8x8_t a, int8x8_t b, int8x8_t c, int8x8_t d) {
    const int16x8_t ab = vreinterpretq_s16_s8(vzip1q_s8(vcombine_s8(a, a), vcombine_s8(b, b)));
    const int16x8_t cd = vreinterpretq_s16_s8(vzip1q_s8(vcombine_s8(c, c), vcombine_s8(d, d)));
    const struct column column = {vreinterpretq_s8_s16(vzip1q_s16(ab, cd)), vreinterpretq_s8_s16(vzip2q_s16(ab, cd))};
    return column;
}

EQ_INLINE struct block block_from(const struct eq_dwconv_s8_s8_s8 *d, size_t at, size_t count) {
    const int16_t *w = (const int16_t *)d->w + at * WINDOW;
    const int8x16_t zero = vdupq_n_s8((int8_t)d->x_zero);
    const struct rq8 rq = rq8_load(&d->rq, at, count);
    struct block b = {.right = {{rq.part[0].m, rq.part[1].m}, {rq.part[0].right, rq.part[1].right}},
                      .clamp = clamp16_load(d->y_zero, d->lo, d->hi),
                      .bias = {rq.bias[0], rq.bias[1]},
                      .left = {rq.part[0].left, rq.part[1].left},
                      .at = at};
    int32x4_t low = vdupq_n_s32(0), high = low;
    for (size_t x = 0; x < SIDE; x++) {
        int8x8_t rows[SIDE];
        for (size_t y = 0; y < SIDE; y++) rows[y] = vmovn_s16(vld1q_s16(w + (y * SIDE + x) * NR));
        b.w[x] = interleave(rows[0], rows[1], rows[2], vdup_n_s8(0));
        low = vdotq_s32(low, b.w[x].low, zero);
        high = vdotq_s32(high, b.w[x].high, zero);
    }
    b.bias[0] = vsubq_s32(b.bias[0], low);
    b.bias[1] = vsubq_s32(b.bias[1], high);
    return b;
}

EQ_INLINE struct column load_column(const int8_t *const x[SIDE], size_t offset, size_t count) {
    const int8x8_t last = load_bytes(x[2] + offset, count);
    return interleave(load_bytes(x[0] + offset, count), load_bytes(x[1] + offset, count), last, last);
}

EQ_INLINE void pixel(const struct block *b, const struct column *x0, const struct column *x1, const struct column *x2, int8_t *y,
                     size_t count, const int left) {
    int32x4_t low = vdotq_s32(b->bias[0], x0->low, b->w[0].low), high = vdotq_s32(b->bias[1], x0->high, b->w[0].high);
    low = vdotq_s32(vdotq_s32(low, x1->low, b->w[1].low), x2->low, b->w[2].low);
    high = vdotq_s32(vdotq_s32(high, x1->high, b->w[1].high), x2->high, b->w[2].high);
    if (left) {
        low = vqshlq_s32(low, b->left[0]);
        high = vqshlq_s32(high, b->left[1]);
    }
    store_bytes(y, clamp8_apply(&b->clamp, right8_apply(&b->right, low, high)), count);
}

/* Neighbours one column apart: each needs one new column. Three at a time, so that nothing moves. */
EQ_INLINE void near(const struct block *b, const int8_t *const x[SIDE], size_t step, size_t pixels, int8_t *y, size_t channels,
                    size_t count, const int left) {
    struct column c0 = load_column(x, 0, count), c1 = load_column(x, step, count), c2;
    size_t offset = 2 * step;
    for (;;) {
        c2 = load_column(x, offset, count);
        pixel(b, &c0, &c1, &c2, y, count, left);
        if (--pixels == 0) return;
        c0 = load_column(x, offset + step, count);
        pixel(b, &c1, &c2, &c0, y + channels, count, left);
        if (--pixels == 0) return;
        c1 = load_column(x, offset + 2 * step, count);
        pixel(b, &c2, &c0, &c1, y + 2 * channels, count, left);
        if (--pixels == 0) return;
        offset += SIDE * step;
        y += SIDE * channels;
    }
}

/* Neighbours two columns apart: the last column of one is the first of the next. */
EQ_INLINE void apart(const struct block *b, const int8_t *const x[SIDE], size_t step, size_t pixels, int8_t *y, size_t channels,
                     size_t count, const int left) {
    struct column c0 = load_column(x, 0, count);
    for (size_t offset = step; pixels > 0; pixels--, offset += 2 * step, y += channels) {
        const struct column c1 = load_column(x, offset, count), c2 = load_column(x, offset + step, count);
        pixel(b, &c0, &c1, &c2, y, count, left);
        c0 = c2;
    }
}

/* How far apart columns lie; 0: not alike in the three rows. */
EQ_INLINE size_t column_step(const struct eq_stretch_s8 *s) {
    const ptrdiff_t step = s->x[1] - s->x[0];
    int alike = step > 0;
    for (int i = 0; i < WINDOW; i += SIDE) alike &= s->x[i + 1] - s->x[i] == step && s->x[i + 2] - s->x[i + 1] == step;
    return alike ? (size_t)step : 0;
}

EQ_INLINE void stretch(const struct eq_dwconv_s8_s8_s8 *d, const struct block *b, const struct eq_stretch_s8 *s, size_t count,
                       const int left) {
    const int8_t *const first[SIDE] = {s->x[0] + b->at, s->x[3] + b->at, s->x[6] + b->at};
    const size_t step = column_step(s);
    int8_t *y = s->y + b->at;
    if (step > 0 && d->x_step == step) {
        near(b, first, step, s->pixels, y, d->channels, count, left);
    } else if (step > 0 && d->x_step == 2 * step) {
        apart(b, first, step, s->pixels, y, d->channels, count, left);
    } else {
        const int8_t *const second[SIDE] = {s->x[1] + b->at, s->x[4] + b->at, s->x[7] + b->at}, *const third[SIDE] = {s->x[2] + b->at,
                                                                                                                      s->x[5] + b->at,
                                                                                                                      s->x[8] + b->at};
        for (size_t i = 0, offset = 0; i < s->pixels; i++, offset += d->x_step, y += d->channels) {
            const struct column c0 = load_column(first, offset, count), c1 = load_column(second, offset, count),
                                c2 = load_column(third, offset, count);
            pixel(b, &c0, &c1, &c2, y, count, left);
        }
    }
}

EQ_INLINE void channels(const struct eq_dwconv_s8_s8_s8 *d, size_t at, size_t count, const int left) {
    const struct block b = block_from(d, at, count);
    for (const struct eq_stretch_s8 *s = d->stretches; s < d->stretches + d->count; s++) stretch(d, &b, s, count, left);
}

/* Two functions: the common one calls nothing, so that its constants stay in registers. */
static __attribute__((noinline)) void whole(const struct eq_dwconv_s8_s8_s8 *d, size_t at) { channels(d, at, NR, 0); }
static __attribute__((noinline)) void any(const struct eq_dwconv_s8_s8_s8 *d, size_t at, size_t count) { channels(d, at, count, 1); }

void eq_dwconv_s8_s8_s8__neon_dotprod(const struct eq_dwconv_s8_s8_s8 *d) {
    if (d->taps != WINDOW || d->w_zero != 0) {
        eq_dwconv_s8_s8_s8__neon(d);
        return;
    }
    for (size_t at = 0; at < d->channels; at += NR) {
        const size_t count = d->channels - at < NR ? d->channels - at : NR;
        if (count == NR && vminv_s8(vld1_s8(d->rq.n + at)) > 0) whole(d, at);
        else any(d, at, count);
    }
}
