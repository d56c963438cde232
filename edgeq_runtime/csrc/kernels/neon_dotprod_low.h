/* Products with weights of less than a byte for sdot by lane. Before it includes this, a kernel says: UNIT, the inputs of a unit of 32
 * bytes; UP, the power of two that its products count too much; PLANES; and weights(), those of four inputs of four channels. */
#ifndef EQ_KERNELS_NEON_DOTPROD_LOW_H
#define EQ_KERNELS_NEON_DOTPROD_LOW_H

/* The l-th four inputs of x, which are the s-th of the units from w on, against a block of channels. */
#define DOT_LANE(l)                                                                                                                        \
    if (4 * (l) < inputs)                                                                                                                  \
        for (int j = 0; j < blocks; j++) {                                                                                                 \
            const int s = first + (l);                                                                                                     \
            const int8_t *at = w + (size_t)j * block + s / STEPS * UNIT_BYTES, *next = low + (size_t)j * block + s / STEPS * UNIT_BYTES;   \
            const int8x16_t even = weights(at, next, s % STEPS), odd = weights(at + QUAD, next + QUAD, s % STEPS);                         \
            for (int i = 0; i < rows; i++) {                                                                                               \
                acc[i][2 * j] = vdotq_laneq_s32(acc[i][2 * j], even, x[i], l);                                                             \
                acc[i][2 * j + 1] = vdotq_laneq_s32(acc[i][2 * j + 1], odd, x[i], l);                                                      \
            }                                                                                                                              \
        }

enum { STEPS = UNIT / KR, UNIT_BYTES = NR * KR, LOAD = UNIT > QUAD ? UNIT : QUAD /* inputs of one turn */ };

/* Some inputs of every row, QUAD or half of it. */
EQ_INLINE void quad(const int8_t *const *a, ptrdiff_t at_x, const int8_t *w, const int8_t *low, size_t block, const int first,
                    const int inputs, const int rows, const int blocks, sums acc) {
    int8x16_t x[ROWS];
    for (int i = 0; i < rows; i++) {
        const int8_t *from = a[i] + at_x;
        x[i] = inputs == QUAD ? vld1q_s8(from) : vcombine_s8(vld1_s8(from), vdup_n_s8(0));
    }
    DOT_LANE(0)
    DOT_LANE(1)
    DOT_LANE(2)
    DOT_LANE(3)
}

/* `count` units of every block, `block` bytes apart. */
EQ_INLINE void multiply(const int8_t *const *a, ptrdiff_t at, const int8_t *w, const int8_t *low, size_t block, size_t count,
                        const int rows, const int blocks, sums acc) {
    for (; count * UNIT >= LOAD; count -= LOAD / UNIT, at += LOAD, w += LOAD / UNIT * UNIT_BYTES, low += LOAD / UNIT * UNIT_BYTES)
        for (int q = 0; q < LOAD / QUAD; q++) quad(a, at + QUAD * q, w, low, block, q * (QUAD / KR), QUAD, rows, blocks, acc);
    if (count > 0) quad(a, at, w, low, block, 0, QUAD / 2, rows, blocks, acc);
}

/* What the sums count. */
EQ_INLINE int32x4_t sum_of(low_args g, int32x4_t acc) { return UP != 0 && g->up == 0 ? vshrq_n_s32(acc, UP ? UP : 1) : acc; }

/* Adds the sums of a group to total, as often as it counts. */
EQ_INLINE void add_group(low_args g, const uint8_t *m, size_t block, const int rows, const int blocks, sums acc, sums total) {
    for (int j = 0; j < 2 * blocks; j++) {
        const uint16x8_t words = vmovl_u8(vld1_u8(m + (size_t)(j / 2) * block));
        const int32x4_t times = vreinterpretq_s32_u32(vmovl_u16(j % 2 ? vget_high_u16(words) : vget_low_u16(words)));
        for (int i = 0; i < rows; i++) {
            total[i][j] = vmlaq_s32(total[i][j], sum_of(g, acc[i][j]), times);
            acc[i][j] = vdupq_n_s32(0);
        }
    }
}

EQ_INLINE void tile(low_args g, size_t row, size_t at, const int rows, const int blocks) {
    const struct low_shape shape = low_shape_of(g);
    const size_t block = g->parts * shape.units * UNIT_BYTES;
    const int8_t *w = g->w + at / NR * block, *low = PLANES == 2 ? (const int8_t *)g->low + at / NR * block : w, *a[ROWS];
    const uint8_t *m = g->multipliers ? g->multipliers + at * g->parts * shape.groups : NULL;
    sums acc, total;
    for (int i = 0; i < rows; i++) a[i] = g->a + g->rows[row + (size_t)i];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < 2 * blocks; j++) acc[i][j] = total[i][j] = vdupq_n_s32(0);
    for (size_t p = 0; p < g->parts; p++) {
        ptrdiff_t x = g->parts_at[p];
        for (size_t left = shape.units; left > 0;) {
            const size_t some = left < shape.group ? left : shape.group;
            multiply(a, x, w, low, block, some, rows, blocks, acc);
            x += (ptrdiff_t)(some * UNIT);
            w += some * UNIT_BYTES;
            low += some * UNIT_BYTES;
            left -= some;
            if (!m) continue;
            add_group(g, m, g->parts * shape.groups * NR, rows, blocks, acc, total);
            m += NR;
        }
    }
    for (int i = 0; i < rows; i++) {
        const int32x4_t pads = vdupq_n_s32(shape.pads ? (int32_t)low_pads(g, a[i]) : 0);
        for (int j = 0; j < 2 * blocks; j++) {
            const int32x4_t bias = vld1q_s32(g->rq.bias + at + 4 * (size_t)j);
            total[i][j] = vaddq_s32(bias, m ? total[i][j] : vsubq_s32(sum_of(g, acc[i][j]), pads));
        }
    }
    finish_tile(g, row, at, rows, blocks, total);
}

EQ_INLINE void low_run(low_args args) {
    const struct eq_gemm_s8_s8_s8 local = *args; /* what stores to y cannot change */
    low_args g = &local;
    EQ_TILES(g);
}
#endif
