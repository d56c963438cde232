/* Weights of less than a byte for AVX2. Before it includes this, a kernel says what a unit of 32 bytes holds: PER steps of KR inputs; FIT,
 * the units whose products with bytes stay within 16 bits, two by two; PLANES; and a function step() that gives the weights of one step as
 * bytes, of small magnitude: pairs of products never saturate. */
#ifndef EQ_KERNELS_AVX2_LOW_H
#define EQ_KERNELS_AVX2_LOW_H

/* Of all widths, whose members are the same. */
typedef const struct eq_gemm_s8_u8_s8 *low_args;

enum { NR = 8, KR = 4, ROWS = 4, WIDE = 4 /* blocks of a single row */, SUMS = 4 /* most of a tile */ };

struct low_tile {
    const uint8_t *a[ROWS];      /* of each row, at its next inputs */
    const int8_t *w, *low;       /* at the next unit of the first block */
    size_t block;                /* bytes from block to block */
    int full;                    /* units since the last flush */
    __m256i words[PLANES][SUMS]; /* pairs of sums in 16 bits, [rows][blocks] */
    __m256i acc[SUMS];
};

EQ_INLINE __m256i four(const uint8_t *a) {
    int32_t v;
    memcpy(&v, a, sizeof v);
    return _mm256_set1_epi32(v);
}

/* From 16 bits to the sums; the high plane counts 16-fold. */
EQ_INLINE void flush(struct low_tile *t, const int sums) {
    const __m256i ones = _mm256_set1_epi16(1);
    for (int i = 0; i < sums; i++) {
        const __m256i v = _mm256_madd_epi16(t->words[0][i], ones);
        t->acc[i] = _mm256_add_epi32(t->acc[i], PLANES == 2 ? _mm256_slli_epi32(v, 4) : v);
        if (PLANES == 2) t->acc[i] = _mm256_add_epi32(t->acc[i], _mm256_madd_epi16(t->words[PLANES - 1][i], ones));
        for (int p = 0; p < PLANES; p++) t->words[p][i] = _mm256_setzero_si256();
    }
    t->full = 0;
}

/* One unit; of the last one only the first k inputs. */
EQ_INLINE void multiply(struct low_tile *t, const int rows, const int blocks, const int whole, const size_t k) {
    for (int j = 0; j < blocks; j++)
        for (int p = 0; p < PLANES; p++) {
            const __m256i unit = _mm256_loadu_si256((const __m256i *)((p ? t->low : t->w) + (size_t)j * t->block));
            const struct fields f = fields_of(unit);
            for (int s = 0; s < PER; s++) {
                if (!whole && (size_t)(KR * s) >= k) break;
                const __m256i w = step(&f, s);
                for (int i = 0; i < rows; i++) {
                    __m256i v = four(t->a[i] + KR * s), *sum = &t->words[p][i * blocks + j];
                    if (!whole && k - (size_t)(KR * s) < KR)
                        v = _mm256_and_si256(v, _mm256_set1_epi32((int32_t) ~(UINT32_MAX << 8 * (k % KR))));
                    *sum = _mm256_add_epi16(*sum, _mm256_maddubs_epi16(v, w));
                }
            }
        }
    for (int i = 0; i < rows; i++) t->a[i] += whole ? KR * PER : k;
    t->w += NR * KR;
    if (PLANES == 2) t->low += NR * KR;
    if (++t->full == FIT) flush(t, rows * blocks);
}

EQ_INLINE void multiply_all(struct low_tile *t, size_t k, const int rows, const int blocks) {
    for (; k >= KR * PER; k -= KR * PER) multiply(t, rows, blocks, 1, 0);
    if (k > 0) multiply(t, rows, blocks, 0, k);
}

EQ_INLINE void add_group(struct low_tile *t, const uint8_t *m, const size_t block, const int rows, const int blocks, __m256i *total) {
    flush(t, rows * blocks);
    for (int j = 0; j < blocks; j++) {
        const __m256i times = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(m + (size_t)j * block)));
        for (int i = 0; i < rows; i++) {
            __m256i *sum = &t->acc[i * blocks + j];
            total[i * blocks + j] = _mm256_add_epi32(total[i * blocks + j], _mm256_mullo_epi32(*sum, times));
            *sum = _mm256_setzero_si256();
        }
    }
}

EQ_INLINE void finish(low_args g, size_t o, size_t first, const int rows, const int blocks, const __m256i *acc) {
    const struct clamp8 clamp = clamp8_load(g->y_zero, g->lo, g->hi);
    for (int j = 0; j < blocks; j++, o += NR) {
        const struct rq8 rq = rq8_load(&g->rq, o, NR);
        for (int i = 0; i < rows; i++) {
            const __m256i sum = _mm256_sll_epi32(acc[i * blocks + j], _mm_cvtsi32_si128(g->up));
            const __m128i bytes = clamp8_apply(&clamp, rq8_apply(&rq, _mm256_add_epi32(sum, rq.bias)));
            store_bytes(g->y + (first + (size_t)i) * g->y_stride + o, bytes, g->n - o < NR ? g->n - o : NR);
        }
    }
}

EQ_INLINE void tile(low_args g, size_t o, size_t first, const int rows, const int blocks, const int grouped) {
    const size_t part = (g->k + KR * PER - 1) / (KR * PER) * (NR * KR), groups = grouped ? (g->k + g->group - 1) / g->group : 1;
    const uint8_t *m = grouped ? g->multipliers + o * g->parts * groups : NULL;
    struct low_tile t = {.block = g->parts * part};
    __m256i total[SUMS];
    t.w = g->w + o / NR * t.block;
    t.low = PLANES == 2 ? (const int8_t *)g->low + o / NR * t.block : NULL;
    for (int i = 0; i < rows * blocks; i++) {
        total[i] = t.acc[i] = _mm256_setzero_si256();
        for (int p = 0; p < PLANES; p++) t.words[p][i] = _mm256_setzero_si256();
    }
    for (size_t p = 0; p < g->parts; p++) {
        for (int i = 0; i < rows; i++) t.a[i] = g->a + g->rows[first + (size_t)i] + g->parts_at[p];
        if (!grouped) multiply_all(&t, g->k, rows, blocks);
        for (size_t k = 0; grouped && k < g->k; k += g->group, m += NR) {
            multiply_all(&t, g->k - k < g->group ? g->k - k : g->group, rows, blocks);
            add_group(&t, m, g->parts * groups * NR, rows, blocks, total);
        }
    }
    if (!grouped) flush(&t, rows * blocks);
    finish(g, o, first, rows, blocks, grouped ? total : t.acc);
}

/* The copies of a tile that there are: four rows, a single row of four blocks, and one of each. */
EQ_INLINE void channels(low_args g, const int grouped) {
    size_t o = 0;
    if (g->m == 1)
        for (; o + NR * (WIDE - 1) < g->n; o += NR * WIDE) tile(g, o, 0, 1, WIDE, grouped);
    for (; o < g->n; o += NR) {
        size_t i = 0;
        for (; i + ROWS <= g->m; i += ROWS) tile(g, o, i, ROWS, 1, grouped);
        for (; i < g->m; i++) tile(g, o, i, 1, 1, grouped);
    }
}

EQ_ONE_COPY void run_grouped(low_args g) { channels(g, 1); }

EQ_INLINE void low_run(low_args args) {
    const struct eq_gemm_s8_u8_s8 g = *args; /* which no store can change */
    if (g.multipliers) run_grouped(&g);
    else channels(&g, 0);
}
#endif
