/* Weights of less than a byte for AVX2. Before it includes this, a kernel says: STEPS, the steps of KR inputs that a nibble of a unit of 32
 * bytes holds; FIT, the units whose products with bytes stay within 16 bits, two by two; PLANES; and step(), which gives the weights of one
 * step, of small magnitude: pairs of products never saturate. */
#ifndef EQ_KERNELS_AVX2_LOW_H
#define EQ_KERNELS_AVX2_LOW_H

enum { SUMS = 8 /* most of a tile, [rows][blocks] */ };

/* One unit of every block, `block` bytes apart. */
EQ_INLINE void multiply(const uint8_t *const *a, size_t at, const int8_t *w, const size_t *block, const int rows, const int blocks,
                        __m256i words[SUMS]) {
    EQ_UNROLL
    for (int half = 0; half < 2; half++) {
        __m256i nibbles[WIDE];
        for (int j = 0; j < blocks; j++) nibbles[j] = nibbles_of(_mm256_loadu_si256((const __m256i *)(w + block[j])), half);
        EQ_UNROLL
        for (int s = 0; s < STEPS; s++) {
            __m256i b[WIDE];
            for (int j = 0; j < blocks; j++) b[j] = step(nibbles[j], s);
            for (int i = 0; i < rows; i++) {
                const __m256i v = four(a[i] + at + (size_t)(KR * (STEPS * half + s)));
                for (int j = 0; j < blocks; j++)
                    words[i * blocks + j] = _mm256_add_epi16(words[i * blocks + j], _mm256_maddubs_epi16(v, b[j]));
            }
        }
    }
}

/* Some units: from 16 bits to 32 before they overflow. shift: of the high plane. */
EQ_INLINE void accumulate(const uint8_t *const *a, size_t at, const int8_t *w, const size_t *block, size_t units, const int shift,
                          const int rows, const int blocks, __m256i acc[SUMS]) {
    while (units > 0) {
        const size_t some = units < FIT ? units : FIT;
        __m256i words[SUMS];
        for (int i = 0; i < rows * blocks; i++) words[i] = _mm256_setzero_si256();
        for (const int8_t *end = w + some * NR * KR; w < end; w += NR * KR, at += UNIT) multiply(a, at, w, block, rows, blocks, words);
        for (int i = 0; i < rows * blocks; i++)
            acc[i] = _mm256_add_epi32(acc[i], _mm256_slli_epi32(_mm256_madd_epi16(words[i], _mm256_set1_epi16(1)), shift));
        units -= some;
    }
}

/* acc [rows][blocks], of which some channels may not be there. */
EQ_SMALL void finish(low_args g, size_t o, size_t first, int rows, int blocks, const __m256i *acc) {
    const struct clamp8 clamp = clamp8_load(g->y_zero, g->lo, g->hi);
    for (int j = 0; j < blocks && o < g->n; j++, o += NR) {
        const struct rq8 rq = rq8_load(&g->rq, o, NR);
        for (int i = 0; i < rows; i++) {
            const __m256i sum = _mm256_sll_epi32(acc[i * blocks + j], _mm_cvtsi32_si128(g->up));
            const __m128i bytes = clamp8_apply(&clamp, rq8_apply(&rq, _mm256_add_epi32(sum, rq.bias)));
            store_bytes(g->y + (first + (size_t)i) * g->y_stride + o, bytes, g->n - o < NR ? g->n - o : NR);
        }
    }
}

/* Adds the sums of a group to total, as often as it counts. */
EQ_INLINE void add_group(const uint8_t *m, const size_t *group, const int rows, const int blocks, __m256i acc[SUMS], __m256i total[SUMS]) {
    for (int j = 0; j < blocks; j++) {
        const __m256i times = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(m + group[j])));
        for (int i = j; i < rows * blocks; i += blocks) {
            total[i] = _mm256_add_epi32(total[i], _mm256_mullo_epi32(acc[i], times));
            acc[i] = _mm256_setzero_si256();
        }
    }
}

EQ_INLINE void tile(low_args g, size_t o, size_t first, const int rows, const int blocks) {
    const struct low_shape shape = low_shape_of(g);
    const size_t bytes = g->parts * shape.units * NR * KR, groups = g->parts * shape.groups * NR;
    const int8_t *w = g->w + o / NR * bytes, *low = PLANES == 2 ? (const int8_t *)g->low + o / NR * bytes : NULL;
    const uint8_t *m = g->multipliers ? g->multipliers + o / NR * groups : NULL, *a[ROWS];
    size_t block[WIDE], group[WIDE];
    __m256i acc[SUMS], total[SUMS];
    for (int i = 0; i < rows; i++) a[i] = g->a + g->rows[first + (size_t)i];
    for (int j = 0; j < blocks; j++) {
        const size_t place = o + NR * (size_t)j < g->n ? (size_t)j : 0; /* for a block that is not there: another */
        block[j] = place * bytes;
        group[j] = place * groups;
    }
    for (int i = 0; i < rows * blocks; i++) acc[i] = total[i] = _mm256_setzero_si256();
    for (size_t p = 0; p < g->parts; p++)
        for (size_t unit = 0; unit < shape.units; unit += shape.group) {
            const size_t left = shape.units - unit, some = left < shape.group ? left : shape.group;
            const size_t at = (size_t)(ptrdiff_t)g->parts_at[p] + unit * UNIT;
            accumulate(a, at, w, block, some, PLANES == 2 ? 4 : 0, rows, blocks, acc);
            if (PLANES == 2) accumulate(a, at, low, block, some, 0, rows, blocks, acc);
            w += some * NR * KR;
            if (PLANES == 2) low += some * NR * KR;
            if (m) {
                add_group(m, group, rows, blocks, acc, total);
                m += NR;
            }
        }
    for (int i = 0; SIGNS && i < rows; i++)
        if (__builtin_expect(shape.pads, 0)) {
            const __m256i pads = _mm256_set1_epi32((int32_t)low_pads(g, a[i]));
            for (int j = 0; j < blocks; j++) acc[i * blocks + j] = _mm256_sub_epi32(acc[i * blocks + j], pads);
        }
    __m256i copy[SUMS]; /* whose address keeps no other from registers */
    for (int i = 0; i < rows * blocks; i++) copy[i] = m ? total[i] : acc[i];
    finish(g, o, first, rows, blocks, copy);
}

/* All rows from `first` on; the last tile may repeat a row of the one before. */
EQ_ONE_COPY void twos(low_args g, size_t o, size_t first) {
    for (size_t i = first; i < g->m; i += 2) tile(g, o, i + 2 <= g->m ? i : g->m - 2, 2, 1);
}
EQ_ONE_COPY void one(low_args g, size_t o) { tile(g, o, 0, 1, WIDE); }

EQ_INLINE void low_run(low_args args) {
    const struct eq_gemm_s8_u8_s8 local = *args; /* which no store can change */
    low_args g = &local;
    for (size_t o = 0; g->m == 1 && o < g->n; o += NR * WIDE) one(g, o);
    for (size_t o = 0, i; g->m > 1 && o < g->n; o += NR) {
        for (i = 0; i + ROWS <= g->m; i += ROWS) tile(g, o, i, ROWS, 1);
        twos(g, o, i);
    }
}
#endif
