/* Products with weights of less than a byte for VNNI. Included before: vnni512.h or vnni256.h, then how bytes hold weights (vnni_<type>.h):
 * UNIT inputs; UP, the power of two that their products count too much; PLANES; and step(), the weights of step s of a unit as bytes. */
#ifndef EQ_KERNELS_VNNI_LOW_H
#define EQ_KERNELS_VNNI_LOW_H

/* A row of its own would wait for one sum after the other. */
enum { CHAINS = 2, STEPS = UNIT / KR, MOST = ROWS > CHAINS ? ROWS : CHAINS };

/* `count` units of every block, `block` bytes apart, onto the sums. */
EQ_INLINE void multiply(const uint8_t *const *a, ptrdiff_t at, const int8_t *w, const int8_t *low, size_t block, size_t count,
                        const int rows, const int blocks, vec sums[][WIDE]) {
    const int chains = rows == 1 ? CHAINS : rows;
    vec acc[MOST][WIDE]; /* which no other use keeps from registers */
    for (int i = 0; i < chains; i++)
        for (int j = 0; j < blocks; j++) acc[i][j] = sums[i][j];
    for (const int8_t *end = w + count * NR * KR; w < end; w += NR * KR, low += NR * KR, at += UNIT) {
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
    for (int i = 0; i < chains; i++)
        for (int j = 0; j < blocks; j++) sums[i][j] = acc[i][j];
}

EQ_INLINE vec sum_of(low_args g, vec acc[][WIDE], const int rows, const int i, const int j) {
    const vec sum = rows == 1 ? v_add(acc[0][j], acc[CHAINS - 1][j]) : acc[i][j];
    return UP != 0 && g->up == 0 ? v_less(sum, UP) : sum;
}

/* Adds the sums of a group to total, as often as it counts. */
EQ_INLINE void add_group(low_args g, const uint8_t *m, size_t block, const int rows, const int blocks, vec acc[][WIDE], vec total[][WIDE]) {
    for (int j = 0; j < blocks; j++) {
        const vec times = v_times(m + (size_t)j * block);
        for (int i = 0; i < rows; i++) total[i][j] = v_add(total[i][j], v_mul(sum_of(g, acc, rows, i, j), times));
        for (int i = 0; i < (rows == 1 ? CHAINS : rows); i++) acc[i][j] = v_words(0);
    }
}

EQ_INLINE void tile(low_args g, const v_rq *rq, size_t o, size_t first, const int rows, const int blocks) {
    const struct low_shape shape = low_shape_of(g);
    const size_t block = g->parts * shape.units * NR * KR;
    const int8_t *w = g->w + o / NR * block, *low = PLANES == 2 ? (const int8_t *)g->low + o / NR * block : w;
    const uint8_t *m = g->multipliers ? g->multipliers + o * g->parts * shape.groups : NULL, *a[ROWS];
    vec acc[MOST][WIDE], total[ROWS][WIDE];
    for (int i = 0; i < rows; i++) a[i] = g->a + g->rows[first + (size_t)i];
    for (int j = 0; j < blocks; j++) {
        for (int i = 0; i < rows; i++) total[i][j] = v_words(0);
        for (int i = 0; i < (rows == 1 ? CHAINS : rows); i++) acc[i][j] = v_words(0);
    }
    for (size_t p = 0; p < g->parts; p++) {
        ptrdiff_t at = g->parts_at[p];
        for (size_t left = shape.units; left > 0;) {
            const size_t some = left < shape.group ? left : shape.group;
            multiply(a, at, w, low, block, some, rows, blocks, acc);
            at += (ptrdiff_t)(some * UNIT);
            w += some * NR * KR;
            low += some * NR * KR;
            left -= some;
            if (!m) continue;
            add_group(g, m, g->parts * shape.groups * NR, rows, blocks, acc, total);
            m += NR;
        }
    }
    for (int i = 0; i < rows && !m; i++) {
        const vec pads = v_words(shape.pads ? (int32_t)low_pads(g, a[i]) : 0);
        for (int j = 0; j < blocks; j++) total[i][j] = v_sub(sum_of(g, acc, rows, i, j), pads);
    }
    if (rows == ROWS && blocks == BLOCKS) {
        v_finish(g, rq, o, first, rows, blocks, total);
        return;
    }
    vec copy[ROWS * WIDE];
    for (int i = 0; i < rows * blocks; i++) copy[i] = total[i / blocks][i % blocks];
    v_finish_any(g, rq, o, first, rows, blocks, copy);
}

EQ_INLINE void strip(low_args g, size_t o, const int rows, const int blocks) {
    size_t i = 0;
    v_rq rq[WIDE];
    for (int j = 0; j < blocks; j++) rq[j] = v_params(g, o + NR * (size_t)j);
    for (; i + (size_t)rows <= g->m; i += (size_t)rows) tile(g, rq, o, i, rows, blocks);
    for (; i + 4 <= g->m && rows > 4; i += 4) tile(g, rq, o, i, 4, blocks);
    for (; i < g->m; i++) tile(g, rq, o, i, 1, blocks);
}

EQ_INLINE void low_run(low_args args) {
    const struct eq_gemm_s8_u8_s8 local = *args; /* which no store can change */
    low_args g = &local;
    size_t o = 0;
    if (g->m == 1)
        for (; o + NR * (WIDE - 1) < g->n; o += NR * WIDE) strip(g, o, 1, WIDE);
    for (; BLOCKS == 2 && o + NR < g->n; o += 2 * NR) strip(g, o, ROWS, 2);
    for (; o < g->n; o += NR) strip(g, o, ROWS, 1);
}
#endif
