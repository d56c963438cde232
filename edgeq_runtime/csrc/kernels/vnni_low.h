/* Products with weights of less than a byte for VNNI. Included before: vnni512.h or vnni256.h, then how bytes hold weights (vnni_<type>.h):
 * UNIT inputs; UP, the power of two that their products count too much; PLANES; and step(), the weights of step s of a unit as bytes. */
#ifndef EQ_KERNELS_VNNI_LOW_H
#define EQ_KERNELS_VNNI_LOW_H

/* A row of its own would wait for one sum after the other. */
enum { CHAINS = 2, STEPS = UNIT / KR, MOST = ROWS > CHAINS ? ROWS : CHAINS };

/* The unit at w of every block, `block` bytes apart, onto the sums. */
EQ_INLINE void multiply(const uint8_t *const *a, ptrdiff_t at, const int8_t *w, const int8_t *low, size_t block, const int rows,
                        const int blocks, vec acc[][WIDE]) {
    vec unit[WIDE], second[WIDE];
    for (int j = 0; j < blocks; j++) {
        unit[j] = v_load(w + (size_t)j * block);
        second[j] = PLANES == 2 ? v_load(low + (size_t)j * block) : unit[j];
    }
    EQ_UNROLL
    for (int s = 0; s < STEPS; s++) {
        vec b[WIDE];
        for (int j = 0; j < blocks; j++) b[j] = step(unit[j], second[j], s);
        EQ_UNROLL
        for (int i = 0; i < rows; i++) {
            const vec v = four(a[i] + at + KR * s);
            const int to = rows == 1 ? s % CHAINS : i;
            for (int j = 0; j < blocks; j++) acc[to][j] = v_dot(acc[to][j], v, b[j]);
        }
    }
}

/* What the sums count. */
EQ_INLINE vec sum_of(low_args g, vec acc[][WIDE], const int rows, const int i, const int j) {
    const vec sum = rows == 1 ? v_add(acc[0][j], acc[CHAINS - 1][j]) : acc[i][j];
    return UP != 0 && g->up == 0 ? v_less(sum, UP) : sum;
}

EQ_INLINE void finish_tile(low_args g, const v_rq *rq, size_t o, size_t first, const int rows, const int blocks, vec total[][WIDE]) {
    if (rows == ROWS && blocks == BLOCKS) {
        v_finish(g, rq, o, first, rows, blocks, total);
        return;
    }
    vec copy[ROWS * WIDE];
    for (int i = 0; i < rows * blocks; i++) copy[i] = total[i / blocks][i % blocks];
    v_finish_any(g, rq, o, first, rows, blocks, copy);
}

EQ_INLINE void tile(low_args g, struct low_shape shape, const v_rq *rq, size_t o, size_t first, const int rows, const int blocks) {
    const size_t block = g->parts * shape.units * NR * KR;
    const int8_t *w = g->w + o / NR * block, *low = PLANES == 2 ? (const int8_t *)g->low + o / NR * block : w;
    const uint8_t *a[ROWS];
    vec acc[MOST][WIDE], total[ROWS][WIDE];
    for (int i = 0; i < rows; i++) a[i] = g->a + g->rows[first + (size_t)i];
    for (int i = 0; i < (rows == 1 ? CHAINS : rows); i++)
        for (int j = 0; j < blocks; j++) acc[i][j] = v_words(0);
    for (size_t p = 0; p < g->parts; p++) {
        const ptrdiff_t begin = g->parts_at[p], end = begin + (ptrdiff_t)(shape.units * UNIT);
        for (ptrdiff_t at = begin; at < end; at += UNIT, w += NR * KR, low += NR * KR) multiply(a, at, w, low, block, rows, blocks, acc);
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) total[i][j] = sum_of(g, acc, rows, i, j);
    if (__builtin_expect(shape.pads, 0))
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < blocks; j++) total[i][j] = v_sub(total[i][j], v_words((int32_t)low_pads(g, a[i])));
    finish_tile(g, rq, o, first, rows, blocks, total);
}

/* Adds the sums of a group to total, as often as it counts. */
EQ_INLINE void add_group(low_args g, const uint8_t *m, size_t block, const int rows, const int blocks, vec acc[][WIDE], vec total[][WIDE]) {
    for (int j = 0; j < blocks; j++) {
        const vec times = v_times(m + (size_t)j * block);
        for (int i = 0; i < rows; i++) total[i][j] = v_add(total[i][j], v_mul(sum_of(g, acc, rows, i, j), times));
        for (int i = 0; i < (rows == 1 ? CHAINS : rows); i++) acc[i][j] = v_words(0);
    }
}

/* The same with groups. */
EQ_INLINE void grouped_tile(low_args g, struct low_shape shape, const v_rq *rq, size_t o, size_t first, const int rows, const int blocks) {
    const size_t block = g->parts * shape.units * NR * KR, groups = g->parts * shape.groups * NR;
    const int8_t *w = g->w + o / NR * block;
    const uint8_t *m = g->multipliers + o / NR * groups, *a[ROWS];
    vec acc[MOST][WIDE], total[ROWS][WIDE];
    for (int i = 0; i < rows; i++) a[i] = g->a + g->rows[first + (size_t)i];
    for (int j = 0; j < blocks; j++) {
        for (int i = 0; i < rows; i++) total[i][j] = v_words(0);
        for (int i = 0; i < (rows == 1 ? CHAINS : rows); i++) acc[i][j] = v_words(0);
    }
    for (size_t p = 0; p < g->parts; p++)
        for (size_t unit = 0; unit < shape.units; unit += shape.group, m += NR) {
            const size_t stop = unit + shape.group < shape.units ? unit + shape.group : shape.units;
            const ptrdiff_t end = g->parts_at[p] + (ptrdiff_t)(stop * UNIT);
            for (ptrdiff_t at = g->parts_at[p] + (ptrdiff_t)(unit * UNIT); at < end; at += UNIT, w += NR * KR)
                multiply(a, at, w, w, block, rows, blocks, acc);
            add_group(g, m, groups, rows, blocks, acc, total);
        }
    finish_tile(g, rq, o, first, rows, blocks, total);
}

EQ_INLINE void strip(low_args g, struct low_shape shape, size_t o, const int rows, const int blocks) {
    size_t i = 0;
    v_rq rq[WIDE];
    for (int j = 0; j < blocks; j++) rq[j] = v_params(g, o + NR * (size_t)j);
    for (; i + (size_t)rows <= g->m; i += (size_t)rows) tile(g, shape, rq, o, i, rows, blocks);
    for (; i + 4 <= g->m && rows > 4; i += 4) tile(g, shape, rq, o, i, 4, blocks);
    for (; i < g->m; i++) tile(g, shape, rq, o, i, 1, blocks);
}

/* Some channels of every row; fewer copies of code than without groups. */
EQ_INLINE void grouped_strip(low_args g, struct low_shape shape, size_t o, const int rows, const int blocks) {
    size_t i = 0;
    v_rq rq[WIDE];
    for (int j = 0; j < blocks; j++) rq[j] = v_params(g, o + NR * (size_t)j);
    for (; rows > 1 && i + (size_t)rows <= g->m; i += (size_t)rows) grouped_tile(g, shape, rq, o, i, rows, blocks);
    for (; i < g->m; i++) grouped_tile(g, shape, rq, o, i, 1, blocks);
}

EQ_ONE_COPY void run_grouped(low_args g, struct low_shape shape) {
    size_t o = 0;
    if (g->m == 1)
        for (; o + NR * (WIDE - 1) < g->n; o += NR * WIDE) grouped_strip(g, shape, o, 1, WIDE);
    for (; BLOCKS == 2 && o + NR < g->n; o += 2 * NR) grouped_strip(g, shape, o, ROWS, 2);
    for (; o < g->n; o += NR) grouped_strip(g, shape, o, 1, 1);
}

EQ_INLINE void low_run(low_args args) {
    const struct eq_gemm_s8_u8_s8 local = *args; /* which no store can change */
    low_args g = &local;
    const struct low_shape shape = low_shape_of(g);
    size_t o = 0;
    if (UP != 0 && g->multipliers) {
        run_grouped(g, shape);
        return;
    }
    if (g->m == 1)
        for (; o + NR * (WIDE - 1) < g->n; o += NR * WIDE) strip(g, shape, o, 1, WIDE);
    for (; BLOCKS == 2 && o + NR < g->n; o += 2 * NR) strip(g, shape, o, ROWS, 2);
    for (; o < g->n; o += NR) strip(g, shape, o, ROWS, 1);
}
#endif
