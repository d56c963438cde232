/* Products with weights of less than a byte for smlal, which adds 8 of them into int16: few bits leave room for many. Before it includes
 * this, a kernel says: KR, 16 or 8 inputs of a channel in a step; STEPS, those of a unit of VECTORS vectors; FIT, the units whose sums of
 * products stay within 16 bits; and weights(), a vector of a step. With KR 16 a vector holds one channel, with 8 two. */
#ifndef EQ_KERNELS_NEON_LOW_H
#define EQ_KERNELS_NEON_LOW_H

enum { VECTORS = NR * KR / 16, UNIT_BYTES = NR * KR, SUMS = 4 /* rows, or blocks of one row */ };

typedef int16x8_t words[SUMS][NR];
typedef int32x4_t sums[SUMS][NR];

EQ_INLINE int8x16_t load_inputs(const int8_t *x) {
    if (KR == 16) return vld1q_s8(x);
    return vcombine_s8(vld1_s8(x), vld1_s8(x));
}

/* A step of one row and block. */
EQ_INLINE void multiply(int8x16_t x, const int8x16_t *w, int16x8_t to[NR]) {
    for (int v = 0; v < VECTORS; v++) {
        const int high = KR == 16 ? v : 2 * v + 1, low = KR == 16 ? v : 2 * v;
        to[low] = vmlal_s8(to[low], vget_low_s8(x), vget_low_s8(w[v]));
        to[high] = vmlal_s8(to[high], vget_high_s8(x), vget_high_s8(w[v]));
    }
}

/* One unit of every row and block. */
EQ_INLINE void one_unit(const int8_t *const *a, ptrdiff_t at, const int8_t *w, size_t block, const int rows, const int blocks, words to) {
    for (int s = 0; s < STEPS; s++) {
        int8x16_t x[ROWS];
        for (int i = 0; i < rows; i++) x[i] = load_inputs(a[i] + at + KR * s);
        for (int j = 0; j < blocks; j++) {
            int8x16_t v[VECTORS];
            for (int k = 0; k < VECTORS; k++) v[k] = weights(vld1q_s8(w + (size_t)j * block + 16 * k), s);
            for (int i = 0; i < rows; i++) multiply(x[i], v, to[i + j]);
        }
    }
}

/* `count` units onto the sums, which count 2^up-fold. */
EQ_INLINE void accumulate(const int8_t *const *a, ptrdiff_t at, const int8_t *w, size_t block, size_t count, const int rows,
                          const int blocks, sums acc) {
    while (count > 0) {
        const size_t some = count < FIT ? count : FIT;
        words to;
        for (int i = 0; i < rows * blocks; i++)
            for (int c = 0; c < NR; c++) to[i][c] = vdupq_n_s16(0);
        for (const int8_t *end = w + some * UNIT_BYTES; w < end; w += UNIT_BYTES, at += UNIT) one_unit(a, at, w, block, rows, blocks, to);
        for (int i = 0; i < rows * blocks; i++)
            for (int c = 0; c < NR; c++) acc[i][c] = vpadalq_s16(acc[i][c], to[i][c]);
        count -= some;
    }
}

EQ_INLINE void add_group(const uint8_t *m, size_t block, const int rows, const int blocks, sums acc, sums total) {
    for (int i = 0; i < rows * blocks; i++)
        for (int c = 0; c < NR; c++) {
            total[i][c] = vmlaq_n_s32(total[i][c], acc[i][c], m[(size_t)(blocks > 1 ? i : 0) * block + (size_t)c]);
            acc[i][c] = vdupq_n_s32(0);
        }
}

EQ_INLINE void tile(low_args g, size_t row, size_t at, const int rows, const int blocks) {
    const struct low_shape shape = low_shape_of(g);
    const size_t block = g->parts * shape.units * UNIT_BYTES;
    const int8_t *w = g->w + at / NR * block, *a[ROWS];
    const uint8_t *m = g->multipliers ? g->multipliers + at * g->parts * shape.groups : NULL;
    sums acc, total;
    int32x4_t v[SUMS];
    for (int i = 0; i < rows; i++) a[i] = g->a + g->rows[row + (size_t)i];
    for (int i = 0; i < rows * blocks; i++)
        for (int c = 0; c < NR; c++) acc[i][c] = total[i][c] = vdupq_n_s32(0);
    for (size_t p = 0; p < g->parts; p++)
        for (size_t unit = 0; unit < shape.units; unit += shape.group) {
            const size_t left = shape.units - unit, some = left < shape.group ? left : shape.group;
            accumulate(a, g->parts_at[p] + (ptrdiff_t)(unit * UNIT), w, block, some, rows, blocks, acc);
            w += some * UNIT_BYTES;
            if (!m) continue;
            add_group(m, g->parts * shape.groups * NR, rows, blocks, acc, total);
            m += NR;
        }
    for (int i = 0; i < SUMS; i++) {
        v[i] = i < rows * blocks ? sum_lanes(m ? total[i] : acc[i]) : vdupq_n_s32(0);
        v[i] = vshlq_s32(v[i], vdupq_n_s32(g->up));
        if (shape.pads && i < rows * blocks) v[i] = vsubq_s32(v[i], vdupq_n_s32((int32_t)low_pads(g, a[blocks > 1 ? 0 : i])));
    }
    finish_tile(g, row, at, rows, blocks, a, v);
}

EQ_INLINE void low_run(low_args args) {
    const struct eq_gemm_s8_s8_s8 local = *args; /* what stores to y cannot change */
    low_args g = &local;
    size_t at = 0;
    if (g->m == 1)
        for (; at + NR * (WIDE - 1) < g->n; at += NR * WIDE) tile(g, 0, at, 1, WIDE);
    for (; at < g->n; at += NR) {
        size_t row = 0;
        for (; row + ROWS <= g->m; row += ROWS) tile(g, row, at, ROWS, 1);
        for (; row < g->m; row++) tile(g, row, at, 1, 1);
    }
}
#endif
