/* What an engine is to neon_panel.h, and the sums of a piece, of whole rows or group by group. */
#ifndef EQ_KERNELS_NEON_PANEL_SUMS_H
#define EQ_KERNELS_NEON_PANEL_SUMS_H
#include "neon_rows.h"

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
#endif
