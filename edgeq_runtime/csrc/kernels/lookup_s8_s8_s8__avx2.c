/* A byte shuffle reads 16 entries and gives 0 where the index is negative. Each half of the table is kept as differences (xor) from one
 * such part to the next: an index counted down by 16, saturating, takes exactly the differences up to its own part, and of the other
 * half none. */
#include "avx2.h"

enum { PARTS = 8 /* of a half */, PART = 16, VECTORS = 2, STEP = 32 * VECTORS };

struct table {
    __m256i low[PARTS], high[PARTS]; /* for x < 0, for x >= 0 */
};

EQ_INLINE __m256i part(const int8_t *table, size_t j) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(table + PART * j)));
}

EQ_INLINE void some(const struct table *t, const int8_t *x, int8_t *y) {
    const __m256i flip = _mm256_set1_epi8(INT8_MIN), down = _mm256_set1_epi8(PART);
    __m256i high[VECTORS], low[VECTORS], v[VECTORS];
    for (int i = 0; i < VECTORS; i++) {
        high[i] = _mm256_loadu_si256((const __m256i *)(x + 32 * i));
        low[i] = _mm256_xor_si256(high[i], flip);
        v[i] = _mm256_xor_si256(_mm256_shuffle_epi8(t->high[0], high[i]), _mm256_shuffle_epi8(t->low[0], low[i]));
    }
    for (int j = 1; j < PARTS; j++)
        for (int i = 0; i < VECTORS; i++) {
            high[i] = _mm256_subs_epi8(high[i], down);
            low[i] = _mm256_subs_epi8(low[i], down);
            v[i] = _mm256_xor_si256(v[i], _mm256_shuffle_epi8(t->high[j], high[i]));
            v[i] = _mm256_xor_si256(v[i], _mm256_shuffle_epi8(t->low[j], low[i]));
        }
    for (int i = 0; i < VECTORS; i++) _mm256_storeu_si256((__m256i *)(y + 32 * i), v[i]);
}

/* The last step ends at the end, over what is done already. */
void eq_lookup_s8_s8_s8__avx2(const struct eq_lookup_s8_s8_s8 *d) {
    if (d->n < STEP) {
        for (size_t i = 0; i < d->n; i++) d->y[i] = d->table[d->x[i] + 128];
        return;
    }
    struct table t;
    for (size_t j = 0; j < PARTS; j++) {
        t.low[j] = j ? _mm256_xor_si256(part(d->table, j), part(d->table, j - 1)) : part(d->table, 0);
        t.high[j] = j ? _mm256_xor_si256(part(d->table, PARTS + j), part(d->table, PARTS + j - 1)) : part(d->table, PARTS);
    }
    for (size_t i = 0;; i += STEP) {
        if (i + STEP > d->n) i = d->n - STEP;
        some(&t, d->x + i, d->y + i);
        if (i + STEP == d->n) break;
    }
}
