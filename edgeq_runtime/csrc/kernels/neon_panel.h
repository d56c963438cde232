/* Matrix products whose rows lie in panels, for Arm: 4 channels a block. Before it includes this, a kernel says how weights lie: BITS of
 * each, PLANES of bytes, TOP, and field(), the s-th inputs of 16 bytes, or top(), which is 2^TOP times that. Its engine says: MR rows of a
 * panel, GRAIN, KR and STEPS of inputs in a unit of weights, and UP, the power of two that its products count too much. */
#ifndef EQ_KERNELS_NEON_PANEL_H
#define EQ_KERNELS_NEON_PANEL_H
#include "neon_rows.h"

enum { UNIT = KR * STEPS, UNIT_BYTES = NR * KR, SIGNS = 0 /* inputs beyond k are 0 */ };

#define LOW_ARGS eq_gemm_s8_s8_s8
#include "low.h"

/* Adds the products of `units` units to sums of 4 channels: of rows, or of WIDE blocks of a single one, whose weights are `apart` from w.
 */
typedef void products_fn(const int8_t *x, const int8_t *w, const int8_t *low, const size_t *apart, size_t units, int32x4_t *sums);
struct engine {
    products_fn *panel, *quad, *single; /* MR rows, ROWS of them, one */
};

enum { STAYS = 65536 /* bytes of weights that stay in the cache while panels pass by */ };

/* Rows of one panel, or one row alone. */
struct piece {
    products_fn *run;
    const int8_t *x;
    size_t step;      /* bytes from unit to unit of x */
    size_t row, rows; /* of y */
    size_t sums;
    int alone;
};

/* What w_zero takes from the channels of a row. */
EQ_RARE int32x4_t panel_zero(low_args g, const struct piece *p, size_t i) {
    const int8_t *x = p->x + i * GRAIN;
    uint32_t sum = 0;
    for (size_t left = g->parts * ((g->k + UNIT - 1) / UNIT) * UNIT; left > 0; left -= GRAIN, x += p->step / UNIT * GRAIN)
        for (size_t j = 0; j < GRAIN; j++) sum += (uint32_t)x[j];
    return vdupq_n_s32((int32_t)(sum * (uint32_t)g->w_zero));
}

EQ_ONE_COPY void finish_piece(low_args g, const struct piece *p, const size_t *channels, int32x4_t *sums) {
    for (size_t i = 0; i < p->rows; i += ROWS, sums += ROWS) {
        const size_t rows = p->rows - i < ROWS ? p->rows - i : ROWS;
        if (BITS == 8 && __builtin_expect(g->w_zero != 0, 0))
            for (size_t j = 0; j < ROWS; j++) sums[j] = vsubq_s32(sums[j], panel_zero(g, p, p->alone ? 0 : i + j));
        store_tile(g, p->row + i, channels[0], p->alone ? 0 : rows, requantized(g, channels, sums));
    }
}

EQ_INLINE int32x4_t times_of(const uint8_t *m) {
    uint32_t four;
    memcpy(&four, m, sizeof four);
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four))))));
}

/* What sums count, and none. */
EQ_INLINE int32x4_t take(low_args g, int32x4_t *sum) {
    const int32x4_t v = *sum;
    *sum = vdupq_n_s32(0);
    return vshlq_s32(v, vdupq_n_s32(g->up - UP));
}

/* A piece against the channels from `at` on. */
EQ_ONE_COPY void tile(low_args g, const struct low_shape *shape, const struct piece *p, size_t at) {
    const size_t depth = g->parts * shape->units * UNIT_BYTES, counts = g->parts * shape->groups * NR, last = (g->n - 1 - at) / NR;
    const int8_t *x = p->x, *w = g->w + at / NR * depth, *low = PLANES == 2 ? (const int8_t *)g->low + at / NR * depth : w;
    const uint8_t *m = g->multipliers ? g->multipliers + at / NR * counts : NULL;
    const size_t whole = m ? shape->group : g->parts * shape->units;
    size_t channels[WIDE], apart[WIDE], times[WIDE];
    int32x4_t sums[MR], total[MR];
    for (size_t b = 0; b < WIDE; b++) { /* beyond the last block: that one again */
        const size_t block = !p->alone ? 0 : b < last ? b : last;
        channels[b] = at + NR * block;
        apart[b] = block * depth;
        times[b] = block * counts;
    }
    for (size_t i = 0; i < MR; i++) sums[i] = total[i] = vdupq_n_s32(0);
    for (size_t part = 0; part < (m ? g->parts : 1); part++)
        for (size_t left = m ? shape->units : whole, some; left > 0; left -= some) {
            some = left < whole ? left : whole;
            p->run(x, w, low, apart, some, sums);
            for (size_t i = 0; i < p->sums; i++) {
                const int32x4_t sum = take(g, &sums[i]);
                total[i] = m ? vmlaq_s32(total[i], sum, times_of(m + times[i % WIDE])) : sum;
            }
            x += some * p->step;
            w += some * UNIT_BYTES;
            low += some * UNIT_BYTES;
            m += m ? NR : 0;
        }
    finish_piece(g, p, channels, total);
}

/* Rows of a panel: all of it at once where most of them are there. */
EQ_INLINE void rows_of_panel(low_args g, const struct low_shape *shape, struct piece p, size_t rows, size_t first, size_t end) {
    for (; first < end; first += NR) {
        struct piece some = p;
        for (size_t i = 0; i < rows; i += p.sums, some.row += p.sums, some.x += p.sums * GRAIN) {
            some.rows = rows - i < p.sums ? rows - i : p.sums;
            tile(g, shape, &some, first);
        }
    }
}

EQ_INLINE void panel_run(low_args args, const struct engine engine) {
    const struct eq_gemm_s8_s8_s8 local = *args; /* what stores to y cannot change */
    low_args g = &local;
    const struct low_shape shape = low_shape_of(g);
    const size_t units = g->parts * shape.units, some = STAYS / (units * UNIT_BYTES), most = some ? some * NR : NR;
    if (g->m == 1) {
        const struct piece one = {.run = engine.single, .x = g->a, .step = UNIT, .rows = 1, .sums = WIDE, .alone = 1};
        for (size_t at = 0; at < g->n; at += NR * WIDE) tile(g, &shape, &one, at);
        return;
    }
    for (size_t at = 0; at < g->n; at += most)
        for (size_t row = 0; row < g->m; row += MR) {
            const size_t rows = g->m - row < MR ? g->m - row : MR;
            struct piece p = {.run = engine.quad, .x = g->a + row * units * UNIT, .step = MR * UNIT, .row = row, .sums = ROWS};
            if (rows > MR / 2) p.run = engine.panel, p.sums = MR;
            rows_of_panel(g, &shape, p, rows, at, g->n - at < most ? g->n : at + most);
        }
}
#endif
