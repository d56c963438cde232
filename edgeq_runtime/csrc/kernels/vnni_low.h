/* Products with weights of less than a byte for VNNI. Included before: vnni512.h or vnni256.h, then how bytes hold weights (vnni_<type>.h):
 * UNIT inputs; UP, the power of two that their products count too much; PLANES; and step(), the weights of step s of a unit as bytes. */
#ifndef EQ_KERNELS_VNNI_LOW_H
#define EQ_KERNELS_VNNI_LOW_H

#include "vnni_strip.h"

enum { MANY = 96 /* rows that pay for unpacking */, ROOM = 8192 /* bytes of unpacked weights */ };

/* Nothing is known of v. */
#define EQ_HIDE(v) __asm__("" : "+r"(v))

/* The unit at w of every block onto the sums. */
EQ_INLINE void multiply(const uint8_t *const *a, ptrdiff_t at, const int8_t *w, const int8_t *low, const size_t *block, const int rows,
                        const int blocks, vec acc[][WIDE]) {
    EQ_UNROLL
    for (int s = 0; s < STEPS; s++) {
        vec b[WIDE];
        for (int j = 0; j < blocks; j++) b[j] = step(v_load(w + block[j]), PLANES == 2 ? v_load(low + block[j]) : v_words(0), s);
        EQ_UNROLL
        for (int i = 0; i < rows; i++) {
            const vec v = four(a[i] + at + KR * s);
            for (int j = 0; j < blocks; j++) acc[i][j] = v_dot(acc[i][j], v, b[j]);
        }
        V_RELOAD(w);
    }
}

/* The same of a single row: each weight is loaded once. */
EQ_INLINE void multiply_one(const uint8_t *a, const int8_t *w, const int8_t *low, const size_t *block, vec acc[][WIDE]) {
    vec unit[WIDE], second[WIDE];
    for (int j = 0; j < WIDE; j++) {
        unit[j] = v_load(w + block[j]);
        second[j] = PLANES == 2 ? v_load(low + block[j]) : unit[j];
        V_KEEP(unit[j]);
    }
    EQ_UNROLL
    for (int s = 0; s < STEPS; s++) {
        const vec v = four(a + KR * s);
        for (int j = 0; j < WIDE; j++) acc[s % CHAINS][j] = v_dot(acc[s % CHAINS][j], v, step(unit[j], second[j], s));
    }
}

EQ_INLINE void tile(low_args g, const struct strip *s, size_t first, const int rows, const int blocks) {
    const int8_t *w = s->w, *low = s->low;
    const uint8_t *a[ROWS];
    size_t block[WIDE];
    vec acc[ROWS][WIDE];
    struct late space, *late = &space;
    EQ_HIDE(late);
    for (int i = 0; i < rows; i++) a[i] = g->a + g->rows[first + (size_t)i];
    for (int j = 0; j < blocks; j++) {
        const size_t at = place(s, j);
        block[j] = at * s->block;
        for (int i = 0; i < (rows == 1 ? CHAINS : rows); i++) acc[i][j] = rows == 1 && i ? v_words(0) : s->start[at];
    }
    if (UP != 0 && __builtin_expect(s->late, 0)) start(s, rows, blocks, late);
    if (SIGNS && __builtin_expect(s->shape.pads, 0))
        for (int i = 0; i < rows; i++) {
            const vec pads = v_words((int32_t)low_pads(g, a[i]));
            for (int j = 0; j < blocks; j++) acc[i][j] = v_sub(acc[i][j], pads);
        }
    for (size_t p = 0; p < g->parts; p++) {
        ptrdiff_t at = g->parts_at[p];
        for (size_t left = s->shape.units, some; left > 0; left -= some) {
            some = left < s->shape.group ? left : s->shape.group;
            for (const ptrdiff_t end = at + (ptrdiff_t)(some * UNIT); at < end; at += UNIT, w += NR * KR, low += NR * KR) {
                if (rows == 1) multiply_one(a[0] + at, w, low, block, acc);
                else multiply(a, at, w, low, block, rows, blocks, acc);
            }
            if (UP != 0 && __builtin_expect(s->late, 0)) add_group(g, s, rows, blocks, acc, late);
        }
    }
    for (int j = 0; rows == 1 && j < blocks; j++) acc[0][j] = v_add(acc[0][j], acc[CHAINS - 1][j]);
    if (UP != 0 && __builtin_expect(s->late, 0))
        for (int i = 0; i < rows * blocks; i++) acc[i / blocks][i % blocks] = v_load(late->total + i);
    v_finish(g, s->rq, s->o, first, rows, blocks, s->blocks, acc);
}

/* All rows in tiles of one size; the last one may repeat some of the tile before. */
EQ_INLINE void tiles(low_args g, const struct strip *s, size_t first, const int rows, const int blocks) {
    for (size_t i = first; i < g->m; i += (size_t)rows) tile(g, s, i + (size_t)rows <= g->m ? i : g->m - (size_t)rows, rows, blocks);
}
EQ_ONE_COPY void each(low_args g, const struct strip *s) { tiles(g, s, 0, 1, WIDE); }
EQ_ONE_COPY void few(low_args g, const struct strip *s, size_t first) { tiles(g, s, first, FEW, 2); }
/* Returns how many rows it did: all but such as take less time in two tiles of FEW. */
EQ_ONE_COPY size_t pairs(low_args g, const struct strip *s) {
    const size_t over = g->m % ROWS, whole = g->m - over, end = over && over <= 2 * FEW - ROWS && whole ? whole - ROWS : whole;
    for (size_t i = 0; i < end; i += ROWS) tile(g, s, i, ROWS, 2);
    return end;
}

/* Weights of bytes for the kernel of int8, whose blocks lie alike. */
EQ_SMALL void unpack(low_args g, const struct low_shape *shape, size_t block, int8_t *to) {
    const size_t bytes = g->parts * shape->units * NR * KR;
    const int8_t *w = g->w + block * bytes, *low = PLANES == 2 ? (const int8_t *)g->low + block * bytes : w;
    const vec sign = v_bytes(128 >> UP), kept = v_bytes(255 >> UP);
    for (const int8_t *end = w + bytes; w < end; w += NR * KR, low += NR * KR)
        for (int s = 0; s < STEPS; s++, to += NR * KR) {
            vec v = step(v_load(w), v_load(low), s);
            if (UP != 0 && g->up == 0) v = v_sub8(v_xor(v_and(v_down(v, UP), kept), sign), sign);
            v_store((vec *)(void *)to, v);
        }
}

/* Few inputs and many rows: two blocks at a time are unpacked once for all of them. */
EQ_SMALL void run_unpacked(low_args g, const struct low_shape *shape) {
    _Alignas(64) int8_t w[ROOM];
    const size_t depth = shape->units * UNIT, two = 2 * NR;
    struct eq_gemm_s8_u8_s8 part = *g;
    part.k = depth;
    part.w = w;
    for (size_t o = 0; o < g->n; o += two) {
        part.n = g->n - o < two ? g->n - o : two;
        for (size_t j = 0; j * NR < part.n; j++) unpack(g, shape, o / NR + j, w + j * g->parts * depth * NR);
        part.y = g->y + o;
        part.rq = (struct eq_rq){g->rq.bias + o, g->rq.m + o, g->rq.n + o};
        V_INT8(&part);
    }
}

EQ_INLINE void low_run(low_args args) {
    const struct eq_gemm_s8_u8_s8 local = *args; /* which no store can change */
    low_args g = &local;
    const struct low_shape shape = low_shape_of(g);
    const size_t all = (g->n + NR - 1) / NR, most = g->m < FEW ? WIDE : 2;
    struct strip s;
    if (g->m >= MANY && !shape.pads && !g->multipliers && g->parts * shape.units * UNIT * 2 * NR <= ROOM) {
        run_unpacked(g, &shape);
        return;
    }
    for (size_t j = 0; j < all; j += s.blocks) {
        load(g, shape, j * NR, all - j < most ? all - j : most, &s);
        if (g->m >= FEW) few(g, &s, pairs(g, &s));
        else each(g, &s);
    }
}
#endif
