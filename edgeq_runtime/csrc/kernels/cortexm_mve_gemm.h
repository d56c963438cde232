/* Rows of bytes against weights of four channels that lie side by side, 16 bytes of each.
 *
 * The including file defines ARGS, the struct, and how the loops take the weights of a unit:
 *   UNIT: the inputs of a channel in it.
 *   TURN(FIELD): assembly, FIELD(what, kind) for each 16 of them: cortexm_mve_runs.h.
 *   MASK: the upper bits that a field of less than a byte is brought into.
 *   DOWN: by how many bits these products are too large.
 *   BASE(g): by what the sum of a row's inputs counts beside them.
 *   NESTED(sum, from): where there is a low plane, what a single row does with a unit of one channel. Then the inputs that are added up are
 *   those beyond k, too. */
#ifndef EQ_KERNELS_CORTEXM_MVE_GEMM_H
#define EQ_KERNELS_CORTEXM_MVE_GEMM_H
#include "cortexm_mve_runs.h"

typedef const struct ARGS *gemm_args;

#ifdef NESTED
#define ADDED(g) (((g)->k + UNIT - 1) / UNIT * UNIT)
#else
#define ADDED(g) ((g)->k)
#endif

/* A matrix as the tiles see it. block: bytes of four channels. */
struct matrix {
    gemm_args g;
    size_t units, block;
    struct mve_output out;
    int32_t shift; /* of sums, to the left */
};

/* What a row adds to every sum. */
static int32_t row_base(gemm_args g, const int8_t *row) {
    int32_t sum = 0;
    if (BASE(g) == 0) return 0;
    for (size_t p = 0; p < g->parts; p++) {
        const int8_t *x = row + g->parts_at[p];
        for (size_t i = 0; i < ADDED(g); i += BYTES) sum = vaddvaq_s8(sum, vldrbq_z_s8(x + i, vctp8q((uint32_t)(ADDED(g) - i))));
    }
    return (int32_t)((uint32_t)sum * (uint32_t)BASE(g));
}

/* A sum whose groups count as often as each one says. */
static int32_t grouped_sum(const struct matrix *x, const int8_t *row, size_t o) {
    enum { BITS = 8 * BYTES / UNIT };
    gemm_args g = x->g;
    const size_t groups = (g->k + g->group - 1) / g->group;
    const uint8_t *times = g->multipliers + o / LANES * g->parts * groups * LANES + o % LANES;
    const int8_t *w = g->w + o / LANES * x->block + o % LANES * BYTES;
    uint32_t all = 0;
    for (size_t p = 0; p < g->parts; p++, w += x->units * QUAD_BYTES)
        for (size_t from = 0; from < g->k; from += g->group, times += LANES) {
            int32_t sum = 0;
            for (size_t i = from; i < from + g->group && i < g->k; i += BYTES) {
                const int32_t left = (int32_t)(8 - BITS - i % UNIT / BYTES * BITS);
                const int8x16_t field = vandq_s8(vshlq_r_s8(vldrbq_s8(w + i / UNIT * QUAD_BYTES), left), vdupq_n_s8(MASK));
                sum = vmladavaq_s8(sum, vldrbq_s8(row + g->parts_at[p] + i), field);
            }
            all += *times * (uint32_t)(sum >> DOWN);
        }
    return (int32_t)all;
}

/* The parameters of four channels. */
EQ_INLINE struct mve_scale scale_of(const struct matrix *x, size_t o) {
    const struct eq_rq *rq = &x->g->rq;
    return mve_scale_of(&x->out, vldrwq_s32(rq->bias + o), vldrwq_s32(rq->m + o), vldrbq_s32(rq->n + o));
}

EQ_INLINE int32x4_t output(const struct matrix *x, const struct mve_scale *s, int32x4_t sums) {
    if (UNIT != BYTES) sums = vshlq_r_s32(sums, x->shift);
    return mve_clamped(&x->out, s, sums);
}

/* Sums of the channels first and first + 2. The first ones to be set leave anything in the other lanes. */
#define SET_LANES(v, how, first, a, b) __asm("vmov %q0[%c3], %q0[%c4], %1, %2" : how(v) : "r"(a), "r"(b), "i"((first) + 2), "i"(first))

/* The low plane, where there is one. */
EQ_INLINE const int8_t *further(const int8_t *low, size_t bytes) { return low ? low + bytes : low; }

EQ_INLINE void tall(const struct matrix *x, size_t row) {
    gemm_args g = x->g;
    struct parts parts = {.at = g->parts_at, .count = g->parts, .units = x->units};
    const int8_t *w = (const int8_t *)g->w, *low = (const int8_t *)g->low;
    const size_t stride = g->y_stride, block = x->block;
    int32_t base[ROWS];
    for (size_t i = 0; i < ROWS; i++) base[i] = row_base(g, parts.a[i] = g->a + g->rows[row + i]);
    int8_t *y = g->y + row * stride;
    for (size_t o = 0; o < g->n; o += LANES, w += block, low = further(low, block), y += LANES) {
        int32_t c[2 * ROWS] = {base[0], base[0], base[1], base[1], base[2], base[2]};
        int32_t d[2 * ROWS] = {base[0], base[0], base[1], base[1], base[2], base[2]};
        int32x4_t v[ROWS];
        run_tall(&parts, w, low, c);
        for (int i = 0; i < ROWS; i++) SET_LANES(v[i], "=w", 0, c[2 * i], c[2 * i + 1]);
        run_tall(&parts, w + BYTES, further(low, BYTES), d);
        for (int i = 0; i < ROWS; i++) SET_LANES(v[i], "+w", 1, d[2 * i], d[2 * i + 1]);
        const struct mve_scale s = scale_of(x, o);
        for (int i = 0; i < ROWS; i++) v[i] = output(x, &s, v[i]);
        if (g->n - o >= LANES)
            for (size_t i = 0; i < ROWS; i++) vstrbq_s32(y + i * stride, v[i]);
        else
            for (size_t i = 0; i < ROWS; i++) mve_put(v[i], g->n - o, y + i * stride);
    }
}

EQ_INLINE void wide(const struct matrix *x, size_t row) {
    gemm_args g = x->g;
    const struct parts parts = {{g->a + g->rows[row]}, g->parts_at, g->parts, x->units};
    const int8_t *w = (const int8_t *)g->w, *low = (const int8_t *)g->low;
    const size_t block = x->block;
    const int32_t base = row_base(g, parts.a[0]);
    int8_t *y = g->y + row * g->y_stride;
    for (size_t o = 0; o < g->n; o += LANES, w += block, low = further(low, block), y += LANES) {
        int32x4_t sums;
        int32_t c[LANES] = {base, base, base, base};
        run_wide(&parts, w, low, c);
        SET_LANES(sums, "=w", 0, c[0], c[2]);
        SET_LANES(sums, "+w", 1, c[1], c[3]);
        const struct mve_scale s = scale_of(x, o);
        mve_put(output(x, &s, sums), g->n - o, y);
    }
}

static void grouped(const struct matrix *x) {
    gemm_args g = x->g;
    for (size_t i = 0; i < g->m; i++)
        for (size_t o = 0; o < g->n; o += LANES) {
            const struct mve_scale s = scale_of(x, o);
            int32_t sums[LANES];
            for (size_t c = 0; c < LANES; c++) sums[c] = grouped_sum(x, g->a + g->rows[i], o + c);
            mve_put(mve_clamped(&x->out, &s, vldrwq_s32(sums)), g->n - o, g->y + i * g->y_stride + o);
        }
}

static void gemm(gemm_args g) {
    const size_t units = (g->k + UNIT - 1) / UNIT;
    const struct matrix x = {g, units, g->parts * units * QUAD_BYTES, MVE_OUTPUT(g, g->n_lowest < 1), g->up - DOWN};
    size_t i = 0;
    if (UNIT != BYTES && g->multipliers) {
        grouped(&x);
        return;
    }
    for (; g->m - i >= ROWS; i += ROWS) tall(&x, i);
    for (; i < g->m; i++) wide(&x, i);
}
#endif
