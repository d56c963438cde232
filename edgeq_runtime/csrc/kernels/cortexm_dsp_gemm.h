/* Rows of 16 bits against weights of two channels that lie together: a word of weights becomes pairs of inputs of the one channel and of
 * the other without a shuffle.
 *
 * The including file defines ARGS, the struct, and what a turn of the loops does with one word of weights:
 *   UNIT: the inputs of a channel in it.
 *   TURN(FIELD): assembly, FIELD(what, next) for each two of them. `what` brings both into the upper bits of the bytes of %[w], 0 below;
 *                next is ", #4" in the last one and "" in the others.
 *   TURNS: how many are written out in a loop.
 *   DOWN: by how many bits these products are too large.
 *   UP(g): by how many bits the file says that they are too small.
 *   BASE(g): by what the sum of a row's inputs counts beside them. */
#ifndef EQ_KERNELS_CORTEXM_DSP_GEMM_H
#define EQ_KERNELS_CORTEXM_DSP_GEMM_H
#include "cortexm_dsp_runs.h"

typedef const struct ARGS *gemm_args;

/* A matrix as the tiles see it; block: bytes of a pair of channels. */
struct matrix {
    gemm_args g;
    size_t units, block;
    struct dsp_output out;
};

/* What a row adds to every sum. */
static int32_t row_base(gemm_args g, const int16_t *a) {
    int32_t sum = 0;
    if (BASE(g) == 0) return 0;
    for (size_t i = 0; i < g->k; i++) sum += a[i];
    return sum * BASE(g);
}

EQ_INLINE int has_rest(gemm_args g) { return UNIT == PAIR && g->k % PAIR != 0; }

/* The input behind the last unit, which only weights of a byte may have. */
EQ_INLINE int32_t rest(gemm_args g, const int16_t *a, const uint8_t *pair, size_t o) {
    return a[g->k - 1] * (int8_t)pair[(g->k - 1) * PAIR + o];
}

/* The sums of a channel in some rows, `step` apart. */
EQ_INLINE void put(const struct matrix *x, size_t row, size_t o, const int32_t *sums, const size_t step, const size_t rows,
                   const int whole) {
    gemm_args g = x->g;
    const int32_t bias = g->rq.bias[o], m = g->rq.m[o], n = g->rq.n[o];
    const size_t stride = g->y_stride;
    int8_t *y = g->y + row * stride + o;
    int32_t acc[ROWS];
    for (size_t i = 0; i < rows; i++) acc[i] = (int32_t)((uint32_t)bias + ((uint32_t)(sums[i * step] >> DOWN) << UP(g)));
    if (!dsp_is_usual(n)) {
        int32_t copy[ROWS];
        for (size_t i = 0; i < rows; i++) copy[i] = acc[i];
        dsp_put_rare(copy, 1, rows, m, n, &x->out, y, stride);
        return;
    }
    const struct dsp_scale s = dsp_scale_of(m, n);
    for (size_t i = 0; i < rows; i++, y += stride) *y = (int8_t)dsp_clamped(dsp_scaled(acc[i], &s), &x->out, whole);
}

EQ_INLINE void tall(const struct matrix *x, const int32_t *base, const int whole) {
    gemm_args g = x->g;
    const size_t step = g->a_stride * sizeof *g->a, n = g->n;
    const int16_t *a = g->a;
    const uint8_t *pair = (const uint8_t *)g->w;
    for (size_t o = 0; o < n; o += PAIR, pair += x->block) {
        struct run r = run_tall((struct run){a, pair, {base[0], base[0], base[1], base[1], base[2], base[2]}}, step, x->units);
        if (has_rest(g))
            for (size_t i = 0; i < ROWS * PAIR; i++) r.c[i] += rest(g, a + i / PAIR * g->a_stride, pair, i % PAIR);
        put(x, 0, o, r.c, PAIR, ROWS, whole);
        if (o + 1 < n) put(x, 0, o + 1, r.c + 1, PAIR, ROWS, whole);
    }
}

EQ_INLINE void wide(const struct matrix *x, int32_t base, size_t row, const int whole) {
    gemm_args g = x->g;
    const int16_t *a = g->a + row * g->a_stride;
    const uint8_t *pair = (const uint8_t *)g->w;
    const size_t n = g->n;
    for (size_t o = 0; o < n; o += QUAD, pair += 2 * x->block) {
        const size_t step = n - o > PAIR ? x->block : 0;
        struct run r = run_wide((struct run){a, pair, {base, base, base, base}}, step, x->units);
        if (has_rest(g))
            for (size_t i = 0; i < QUAD; i++) r.c[i] += rest(g, a, pair + i / PAIR * step, i % PAIR);
        for (size_t i = 0; i < QUAD; i++)
            if (o + i < n) put(x, row, o + i, r.c + i, 1, 1, whole);
    }
}

EQ_INLINE void all(const struct matrix *x, const int whole) {
    gemm_args g = x->g;
    int32_t base[ROWS];
    for (size_t i = 0; i < g->m; i++) base[i] = row_base(g, g->a + i * g->a_stride);
    if (g->m == ROWS) tall(x, base, whole);
    else
        for (size_t i = 0; i < g->m; i++) wide(x, base[i], i, whole);
}

static void gemm(gemm_args g) {
    const size_t units = g->k / UNIT;
    const struct matrix x = {g, units, UNIT == PAIR ? g->k * PAIR : units * sizeof(uint32_t), DSP_OUTPUT(g)};
    if (x.out.whole) all(&x, 1);
    else all(&x, 0);
}
#endif
