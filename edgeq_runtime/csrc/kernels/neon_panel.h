/* Matrix products whose rows lie in panels, for Arm: 4 channels a block. Before it includes this, a kernel says how weights lie: BITS of
 * each, PLANES of bytes, TOP, and field(), the s-th inputs of 16 bytes, or top(), which is 2^TOP times that. Its engine says: MR rows of a
 * panel, GRAIN, KR and STEPS of inputs in a unit of weights, and UP, the power of two that its products count too much. */
#ifndef EQ_KERNELS_NEON_PANEL_H
#define EQ_KERNELS_NEON_PANEL_H
#include "neon_rows.h"

enum {
    UNIT = KR * STEPS,
    UNIT_BYTES = NR * KR,
    SIGNS = 0,    /* inputs beyond k are 0 */
    STAYS = 65536 /* bytes of weights that stay in the cache while panels pass by */
};

#define LOW_ARGS eq_gemm_s8_s8_s8
#include "low.h"

#include "neon_panel_sums.h"

/* 4 rows, or fewer. */
EQ_INLINE int8x16_t quad_end(const struct ends *e, const struct clamp16 *clamp, const int has_left, int32x4_t up, const int32x4_t *sums) {
    int32x4_t v[ROWS];
    for (int i = 0; i < ROWS; i++) v[i] = SHIFTS ? vshlq_s32(sums[i], up) : sums[i];
    return requantized(clamp, has_left, (const struct ends *[]){e, e, e, e}, v);
}

EQ_ONE_COPY void rows_tile(low_args g, const struct low_shape *shape, const struct piece *p, size_t at) {
    const size_t stride = g->y_stride, rows = p->rows, whole = g->n - at >= NR ? rows / ROWS * ROWS : 0;
    int8_t *y = p->y + at;
    int32x4_t sums[MR];
    const struct operands o = operands_of(g, shape, at);
    const int32x4_t up = sum_all(g, shape, p, &o, 0, sums);
    const struct clamp16 clamp = clamp16_load(g->y_zero, g->lo, g->hi);
    const struct ends e = ends_of(&g->rq, at);
    const int has_left = g->n_lowest < 1;
    for (size_t i = 0; BITS == 8 && __builtin_expect(g->w_zero != 0, 0) && i < p->sums; i++)
        take_zero(g, p->x + i * GRAIN, p->step, &sums[i]);
    for (size_t i = 0; i < whole; i += ROWS, y += ROWS * stride) store_rows(y, stride, ROWS, quad_end(&e, &clamp, has_left, up, &sums[i]));
    for (size_t i = whole; i < rows; i += ROWS, y += ROWS * stride)
        store_part(y, stride, g->n - at, rows - i, quad_end(&e, &clamp, has_left, up, &sums[i]));
}

EQ_ONE_COPY void single_tile(low_args g, const struct low_shape *shape, const struct piece *p, size_t at) {
    const size_t last = (g->n - 1 - at) / NR; /* beyond it: that block again */
    const struct clamp16 clamp = clamp16_load(g->y_zero, g->lo, g->hi);
    struct operands o = operands_of(g, shape, at);
    struct ends e[WIDE];
    int32x4_t sums[WIDE];
    for (size_t i = 0; i < WIDE; i++) {
        const size_t block = i < last ? i : last;
        o.apart[i] = block * g->parts * shape->units * UNIT_BYTES;
        o.times[i] = block * g->parts * shape->groups * NR;
        e[i] = ends_of(&g->rq, at + NR * block);
    }
    const int32x4_t up = sum_all(g, shape, p, &o, 1, sums);
    for (size_t i = 0; i < WIDE; i++) {
        if (SHIFTS) sums[i] = vshlq_s32(sums[i], up);
        if (BITS == 8 && __builtin_expect(g->w_zero != 0, 0)) take_zero(g, p->x, p->step, &sums[i]);
    }
    store_row(p->y + at, g->n - at, requantized(&clamp, g->n_lowest < 1, (const struct ends *[]){&e[0], &e[1], &e[2], &e[3]}, sums));
}

/* Rows of a panel: all of it at once where most of them are there. */
EQ_INLINE void panel_tile(low_args g, const struct low_shape *shape, const struct engine *engine, size_t row, size_t at) {
    const size_t rows = g->m - row < MR ? g->m - row : MR, units = g->parts * shape->units, some = rows > MR / 2 ? MR : ROWS;
    struct piece p = {some == MR ? engine->panel : engine->quad, g->a + row * units * UNIT, MR * UNIT, some, g->y + row * g->y_stride, 0};
    for (size_t i = 0; i < rows; i += some, p.x += some * GRAIN, p.y += some * g->y_stride) {
        p.rows = rows - i < some ? rows - i : some;
        rows_tile(g, shape, &p, at);
    }
}

EQ_INLINE void panel_run(low_args args, const struct engine engine) {
    const struct eq_gemm_s8_s8_s8 local = *args; /* what stores to y cannot change */
    low_args g = &local;
    const struct low_shape shape = low_shape_of(g);
    const size_t fit = STAYS / (g->parts * shape.units * UNIT_BYTES), most = fit ? fit * NR : NR;
    if (g->m == 1) {
        const struct piece one = {engine.single, g->a, UNIT, WIDE, g->y, 1};
        for (size_t at = 0; at < g->n; at += NR * WIDE) single_tile(g, &shape, &one, at);
        return;
    }
    for (size_t first = 0; first < g->n; first += most)
        for (size_t row = 0; row < g->m; row += MR)
            for (size_t at = first; at < g->n && at < first + most; at += NR) panel_tile(g, &shape, &engine, row, at);
}
#endif
