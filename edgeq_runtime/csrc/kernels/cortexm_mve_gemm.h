/* Rows of bytes against weights of four channels that lie side by side, 16 bytes of each.
 *
 * The including file defines ARGS, the struct, and how the loops take the weights of a unit:
 *   UNIT: the inputs of a channel in it.
 *   TURN(FIELD): assembly, FIELD(what, kind) for each 16 of them: cortexm_mve_runs.h.
 *   MASK: the upper bits that a field of less than a byte is brought into.
 *   DOWN: by how many bits these products are too large.
 *   BASE(g): by what the sum of a row's inputs counts beside them. */
#ifndef EQ_KERNELS_CORTEXM_MVE_GEMM_H
#define EQ_KERNELS_CORTEXM_MVE_GEMM_H
#include "cortexm_mve_runs.h"

typedef const struct ARGS *gemm_args;

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
        for (size_t i = 0; i < g->k; i += BYTES) sum = vaddvaq_s8(sum, vldrbq_z_s8(x + i, vctp8q((uint32_t)(g->k - i))));
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

/* The parameters of four channels, and which of them there are. */
struct quad {
    struct mve_scale s;
    mve_pred16_t real;
};
EQ_INLINE struct quad quad_of(const struct matrix *x, size_t o) {
    const struct eq_rq *rq = &x->g->rq;
    return (struct quad){mve_scale_of(&x->out, vldrwq_s32(rq->bias + o), vldrwq_s32(rq->m + o), vldrbq_s32(rq->n + o)),
                         vctp32q((uint32_t)(x->g->n - o))};
}

EQ_INLINE void put(const struct matrix *x, const struct quad *q, int32x4_t sums, int8_t *y) {
    if (UNIT != BYTES) sums = vshlq_r_s32(sums, x->shift);
    mve_put(&x->out, &q->s, sums, q->real, y);
}

/* Channels first and first + 2 of the four. */
#define SET_LANES(v, first, a, b) __asm("vmov %q0[%c3], %q0[%c4], %1, %2" : "+w"(v) : "r"(a), "r"(b), "i"((first) + 2), "i"(first))

EQ_INLINE void tall(const struct matrix *x, size_t row) {
    gemm_args g = x->g;
    const int8_t *a[ROWS], *block = (const int8_t *)g->w;
    const size_t stride = g->y_stride;
    int32_t base[ROWS];
    for (size_t i = 0; i < ROWS; i++) base[i] = row_base(g, a[i] = g->a + g->rows[row + i]);
    int8_t *y = g->y + row * stride;
    for (size_t o = 0; o < g->n; o += LANES, block += x->block, y += LANES) {
        int32x4_t sums[ROWS] = {vuninitializedq_s32(), vuninitializedq_s32(), vuninitializedq_s32()};
#pragma GCC unroll 2
        for (int pair = 0; pair < 2; pair++) {
            int32_t c[2 * ROWS] = {base[0], base[0], base[1], base[1], base[2], base[2]};
            const int8_t *w = block + pair * BYTES;
            for (size_t p = 0; p < g->parts; p++) w = run_tall(a, (size_t)g->parts_at[p], w, x->units, c);
            for (int i = 0; i < ROWS; i++) {
                if (pair) SET_LANES(sums[i], 1, c[2 * i], c[2 * i + 1]);
                else SET_LANES(sums[i], 0, c[2 * i], c[2 * i + 1]);
            }
        }
        const struct quad q = quad_of(x, o);
        for (size_t i = 0; i < ROWS; i++) put(x, &q, sums[i], y + i * stride);
    }
}

EQ_INLINE void wide(const struct matrix *x, size_t row) {
    gemm_args g = x->g;
    const int8_t *a = g->a + g->rows[row], *w = (const int8_t *)g->w;
    const int32_t base = row_base(g, a);
    int8_t *y = g->y + row * g->y_stride;
    for (size_t o = 0; o < g->n; o += LANES, y += LANES) {
        int32x4_t sums = vuninitializedq_s32();
        int32_t c[LANES] = {base, base, base, base};
        for (size_t p = 0; p < g->parts; p++) w = run_wide(a + g->parts_at[p], w, x->units, c);
        SET_LANES(sums, 0, c[0], c[2]);
        SET_LANES(sums, 1, c[1], c[3]);
        const struct quad q = quad_of(x, o);
        put(x, &q, sums, y);
    }
}

static void grouped(const struct matrix *x) {
    gemm_args g = x->g;
    for (size_t i = 0; i < g->m; i++)
        for (size_t o = 0; o < g->n; o += LANES) {
            const struct quad q = quad_of(x, o);
            int32_t sums[LANES];
            for (size_t c = 0; c < LANES; c++) sums[c] = grouped_sum(x, g->a + g->rows[i], o + c);
            mve_put(&x->out, &q.s, vldrwq_s32(sums), q.real, g->y + i * g->y_stride + o);
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
