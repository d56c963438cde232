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

/* The products of `units` units, as sums of 4 channels: of rows, or of WIDE blocks of a single one, whose weights are `apart` from w. */
typedef void products_fn(const int8_t *x, const int8_t *w, const int8_t *low, const size_t *apart, size_t units, int32x4_t *sums);
struct engine {
    products_fn *panel, *quad, *single; /* MR rows, ROWS of them, one */
};

/* Rows of one panel, or one row alone: whose sums `run` gives. */
struct piece {
    products_fn *run;
    const int8_t *x;
    size_t step, sums; /* bytes from unit to unit of x; of a call */
    int8_t *y;
    size_t rows; /* of y */
};

/* What w_zero takes from the channels of a row. */
EQ_RARE void take_zero(low_args g, const int8_t *x, size_t step, int32x4_t *sums) {
    uint32_t sum = 0;
    for (size_t left = g->parts * ((g->k + UNIT - 1) / UNIT) * UNIT; left > 0; left -= GRAIN, x += step / UNIT * GRAIN)
        for (size_t j = 0; j < GRAIN; j++) sum += (uint32_t)x[j];
    *sums = vsubq_s32(*sums, vdupq_n_s32((int32_t)(sum * (uint32_t)g->w_zero)));
}

EQ_INLINE int32x4_t times_of(const uint8_t *m) {
    uint32_t four;
    memcpy(&four, m, sizeof four);
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four))))));
}

/* Whether sums may count another power of two than the file says; whether inputs may come in groups. */
enum { SHIFTS = UP != 0 || (BITS == 4 && PLANES == 1), GROUPS = PLANES == 1 && (BITS == 4 || BITS == 2) };

/* What the first call on the channels from `at` on takes; of a single row, how far its other blocks are from there. */
struct operands {
    const int8_t *w, *low;
    const uint8_t *m;
    size_t apart[WIDE], times[WIDE];
};
EQ_INLINE struct operands operands_of(low_args g, const struct low_shape *shape, size_t at) {
    const size_t depth = g->parts * shape->units * UNIT_BYTES;
    struct operands o = {.w = g->w + at / NR * depth, .m = g->multipliers};
    o.low = PLANES == 2 ? (const int8_t *)g->low + at / NR * depth : o.w;
    if (o.m) o.m += at * g->parts * shape->groups;
    return o;
}

/* The sums of groups, each as often as it counts. */
EQ_INLINE void sum_groups(low_args g, const struct low_shape *shape, const struct piece *p, struct operands o, const int alone,
                          int32x4_t *total) {
    const int32x4_t up = vdupq_n_s32(g->up - UP);
    const size_t count = alone ? WIDE : p->sums;
    const int8_t *x = p->x;
    int32x4_t sums[MR];
    for (size_t i = 0; i < count; i++) total[i] = vdupq_n_s32(0);
    for (size_t part = 0; part < g->parts; part++)
        for (size_t left = shape->units, some; left > 0; left -= some, o.m += NR) {
            const int32x4_t first = times_of(o.m);
            some = left < shape->group ? left : shape->group;
            p->run(x, o.w, o.low, o.apart, some, sums);
            for (size_t i = 0; i < count; i++)
                total[i] = vmlaq_s32(total[i], vshlq_s32(sums[i], up), alone ? times_of(o.m + o.times[i]) : first);
            x += some * p->step;
            o.w += some * UNIT_BYTES;
            o.low += some * UNIT_BYTES;
        }
}

/* Returns what the sums are to be shifted to the left. */
EQ_INLINE int32x4_t sum_all(low_args g, const struct low_shape *shape, const struct piece *p, const struct operands *o, const int alone,
                            int32x4_t *sums) {
    if (GROUPS && __builtin_expect(o->m != NULL, 0)) {
        sum_groups(g, shape, p, *o, alone, sums);
        return vdupq_n_s32(0);
    }
    p->run(p->x, o->w, o->low, o->apart, g->parts * shape->units, sums);
    return vdupq_n_s32(g->up - UP);
}

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
