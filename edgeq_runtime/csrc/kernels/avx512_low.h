/* Weights of less than a byte for AVX512-VNNI. Before it includes this, a kernel says what a unit of 64 bytes holds: PER steps of KR
 * inputs; UP, the power of two that its products count too much; PLANES; and a function step() that gives the weights of one step as bytes.
 */
#ifndef EQ_KERNELS_AVX512_LOW_H
#define EQ_KERNELS_AVX512_LOW_H

/* Of all widths, whose members are the same. */
typedef const struct eq_gemm_s8_u8_s8 *low_args;

enum { CHAINS = 2 /* of sums, so that a single row need not wait for one */ };

struct low_tile {
    const uint8_t *a[8];   /* of each row, at its next inputs */
    const int8_t *w, *low; /* at the next unit of the first block */
    size_t block;          /* bytes from block to block */
    __m512i acc[CHAINS][8][WIDE];
};

/* Step s of the units b, whose inputs lie from `at` on in every row. mask: the bytes that count. */
EQ_INLINE void multiply(struct low_tile *t, const __m512i *b, const __m512i *low, const int rows, const int blocks, const int s,
                        const ptrdiff_t at, const int masked, const uint32_t mask) {
    const int chain = rows == 1 ? s % CHAINS : 0;
    __m512i w[WIDE];
    for (int j = 0; j < blocks; j++) w[j] = step(b[j], low[j], s);
    for (int i = 0; i < rows; i++) {
        __m512i v = four(t->a[i] + at);
        if (masked) v = _mm512_and_si512(v, _mm512_set1_epi32((int32_t)mask));
        for (int j = 0; j < blocks; j++) t->acc[chain][i][j] = _mm512_dpbusd_epi32(t->acc[chain][i][j], v, w[j]);
    }
}

EQ_INLINE void load_unit(const struct low_tile *t, const int blocks, __m512i *b, __m512i *low) {
    for (int j = 0; j < blocks; j++) {
        b[j] = _mm512_loadu_si512(t->w + (size_t)j * t->block);
        low[j] = PLANES == 2 ? _mm512_loadu_si512(t->low + (size_t)j * t->block) : b[j];
    }
}

EQ_INLINE void next_unit(struct low_tile *t, const int rows, const size_t inputs) {
    for (int i = 0; i < rows; i++) t->a[i] += inputs;
    t->w += NR * KR;
    if (PLANES == 2) t->low += NR * KR;
}

/* The last unit of a part or group, of `k` inputs: signs have no 0 that could stand for what is not there. */
EQ_INLINE void multiply_some(struct low_tile *t, const size_t k, const int rows, const int blocks) {
    __m512i b[WIDE], low[WIDE];
    load_unit(t, blocks, b, low);
    for (size_t i = 0; i < k; i += KR) {
        const uint32_t mask = k - i < KR ? ~(UINT32_MAX << 8 * (k - i)) : UINT32_MAX;
        const ptrdiff_t at = (ptrdiff_t)i;
        switch (i / KR) {
#define EQ_STEP(s)                                                                                                                         \
    case s:                                                                                                                                \
        if ((s) < PER) multiply(t, b, low, rows, blocks, (s) % PER, at, 1, mask);                                                          \
        break;
            EQ_STEP(0)
            EQ_STEP(1)
            EQ_STEP(2)
            EQ_STEP(3)
            EQ_STEP(4)
            EQ_STEP(5)
            EQ_STEP(6)
            EQ_STEP(7)
#undef EQ_STEP
        }
    }
    next_unit(t, rows, k);
}

EQ_INLINE void multiply_all(struct low_tile *t, size_t k, const int rows, const int blocks) {
    for (; k >= KR * PER; k -= KR * PER) {
        __m512i b[WIDE], low[WIDE];
        load_unit(t, blocks, b, low);
        EQ_UNROLL
        for (int s = 0; s < PER; s++) multiply(t, b, low, rows, blocks, s, KR * s, 0, 0);
        next_unit(t, rows, KR * PER);
    }
    if (k > 0) multiply_some(t, k, rows, blocks);
}

EQ_INLINE void clear(struct low_tile *t, const int rows, const int blocks) {
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) t->acc[0][i][j] = t->acc[1][i][j] = _mm512_setzero_si512();
}

/* What the sums since clear() count. */
EQ_INLINE __m512i sum_of(low_args g, const struct low_tile *t, const int rows, const int i, const int j) {
    const __m512i acc = rows == 1 ? _mm512_add_epi32(t->acc[0][i][j], t->acc[1][i][j]) : t->acc[0][i][j];
    return UP && !g->up ? _mm512_srai_epi32(acc, UP) : acc;
}

/* Adds what a group counts to total; *m: the multipliers of the first block, `block` bytes from block to block. */
EQ_INLINE void add_group(low_args g, struct low_tile *t, const uint8_t *m, const size_t block, const int rows, const int blocks,
                         __m512i total[][WIDE]) {
    for (int j = 0; j < blocks; j++) {
        const __m512i times = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(m + (size_t)j * block)));
        for (int i = 0; i < rows; i++) total[i][j] = _mm512_add_epi32(total[i][j], _mm512_mullo_epi32(sum_of(g, t, rows, i, j), times));
    }
    clear(t, rows, blocks);
}

EQ_INLINE void tile(low_args g, const struct rq16 *rq, size_t o, size_t first, const int rows, const int blocks, const int grouped) {
    const size_t part = (g->k + KR * PER - 1) / (KR * PER) * (NR * KR), groups = grouped ? (g->k + g->group - 1) / g->group : 1;
    const uint8_t *m = grouped ? g->multipliers + o * g->parts * groups : NULL;
    struct low_tile t;
    __m512i total[8][WIDE];
    t.block = g->parts * part;
    t.w = g->w + o / NR * t.block;
    t.low = PLANES == 2 ? (const int8_t *)g->low + o / NR * t.block : NULL;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < blocks; j++) total[i][j] = rq[j].bias;
    clear(&t, rows, blocks);
    for (size_t p = 0; p < g->parts; p++) {
        for (int i = 0; i < rows; i++) t.a[i] = g->a + g->rows[first + (size_t)i] + g->parts_at[p];
        if (!grouped) {
            multiply_all(&t, g->k, rows, blocks);
            continue;
        }
        for (size_t k = 0; k < g->k; k += g->group, m += NR) {
            multiply_all(&t, g->k - k < g->group ? g->k - k : g->group, rows, blocks);
            add_group(g, &t, m, g->parts * groups * NR, rows, blocks, total);
        }
    }
    if (!grouped)
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < blocks; j++) total[i][j] = _mm512_add_epi32(total[i][j], sum_of(g, &t, rows, i, j));
    finish(g, rq, o, g->y + first * g->y_stride, rows, blocks, total);
}

EQ_INLINE void plain_tile(low_args g, const struct rq16 *rq, size_t o, size_t first, const int rows, const int blocks) {
    tile(g, rq, o, first, rows, blocks, 0);
}

EQ_INLINE void channels(low_args g, size_t o, const int blocks) {
    struct rq16 rq[WIDE];
    params(g, o, blocks, rq);
    EQ_TILES_OF_ROWS(g, rq, o, blocks, plain_tile);
}

/* Two blocks of four rows, or one row: the code of more is not worth its size. */
EQ_ONE_COPY void grouped_channels(low_args g, size_t o) {
    struct rq16 rq[WIDE];
    size_t i = 0;
    const int blocks = g->n - o > NR ? 2 : 1;
    params(g, o, blocks, rq);
    for (; blocks == 2 && i + 4 <= g->m; i += 4) tile(g, rq, o, i, 4, 2, 1);
    for (; blocks == 2 && i < g->m; i++) tile(g, rq, o, i, 1, 2, 1);
    for (; i < g->m; i++) tile(g, rq, o, i, 1, 1, 1);
}

EQ_INLINE void low_run(low_args g) {
    if (!g->multipliers) EQ_TILES(g, channels);
    else
        for (size_t o = 0; o < g->n; o += 2 * NR) grouped_channels(g, o);
}
#endif
