/* The 16 partial sums of SPEC 1.3 are two registers. Four dot products at a time: four rows against one channel, or one row
 * against four channels, so that the sums across the lanes cost little. */
#include "avx2.h"

enum { PARTS = 16, MANY = 4 };

struct parts {
    __m256 low, high;
};

EQ_INLINE void add_product(struct parts *p, __m256 a_low, __m256 a_high, __m256 w_low, __m256 w_high) {
    p->low = _mm256_add_ps(p->low, _mm256_mul_ps(a_low, w_low));
    p->high = _mm256_add_ps(p->high, _mm256_mul_ps(a_high, w_high));
}

/* Lane j is on where j < count. */
EQ_INLINE __m256i lanes_below(size_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* p[i] += p[i + d] for d = 8, 4, 2, 1, of four dot products at once. */
EQ_INLINE __m128 tree(const struct parts p[MANY]) {
    __m128 q[MANY];
    for (int i = 0; i < MANY; i++) {
        const __m256 s = _mm256_add_ps(p[i].low, p[i].high);
        q[i] = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    }
    _MM_TRANSPOSE4_PS(q[0], q[1], q[2], q[3]);
    return _mm_add_ps(_mm_add_ps(q[0], q[2]), _mm_add_ps(q[1], q[3]));
}

/* Lanes off give 0 * 0 = +0, which changes no partial sum: none is ever -0. */
EQ_INLINE __m128 dot4(size_t k, const float *const a[MANY], const float *const w[MANY]) {
    struct parts p[MANY];
    for (int i = 0; i < MANY; i++) p[i].low = p[i].high = _mm256_setzero_ps();
    size_t at = 0;
    for (; at + PARTS <= k; at += PARTS)
        for (int i = 0; i < MANY; i++)
            add_product(&p[i], _mm256_loadu_ps(a[i] + at), _mm256_loadu_ps(a[i] + at + 8), _mm256_loadu_ps(w[i] + at),
                        _mm256_loadu_ps(w[i] + at + 8));
    if (at < k) {
        const size_t left = k - at, above = left > 8 ? 8 : 0;
        const __m256i low = lanes_below(left), high = lanes_below(left - above);
        const __m256i on = above ? high : _mm256_setzero_si256();
        for (int i = 0; i < MANY; i++)
            add_product(&p[i], _mm256_maskload_ps(a[i] + at, low), _mm256_maskload_ps(a[i] + at + above, on),
                        _mm256_maskload_ps(w[i] + at, low), _mm256_maskload_ps(w[i] + at + above, on));
    }
    return tree(p);
}

EQ_INLINE __m128 finish(const struct eq_gemm_f32_f32_f32 *g, __m128 v, __m128 bias) {
    if (g->bias) v = _mm_add_ps(v, bias);
    return _mm_min_ps(_mm_set1_ps(g->hi), _mm_max_ps(_mm_set1_ps(g->lo), v)); /* the order of operands keeps NaN */
}

static void four_rows(const struct eq_gemm_f32_f32_f32 *g) {
    const float *a[MANY] = {g->a, g->a + g->a_stride, g->a + 2 * g->a_stride, g->a + 3 * g->a_stride};
    for (size_t o = 0; o < g->n; o++) {
        const float *one = g->w + o * g->k;
        const float *w[MANY] = {one, one, one, one};
        float out[MANY];
        _mm_storeu_ps(out, finish(g, dot4(g->k, a, w), g->bias ? _mm_set1_ps(g->bias[o]) : _mm_setzero_ps()));
        for (size_t i = 0; i < MANY; i++) g->y[i * g->y_stride + o] = out[i];
    }
}

static void one_row(const struct eq_gemm_f32_f32_f32 *g, const float *row, float *y) {
    const float *a[MANY] = {row, row, row, row};
    for (size_t o = 0; o < g->n; o += MANY) {
        const size_t count = g->n - o < MANY ? g->n - o : MANY;
        const float *w[MANY];
        float bias[MANY] = {0}, out[MANY];
        for (size_t j = 0; j < MANY; j++) w[j] = g->w + (o + (j < count ? j : 0)) * g->k;
        if (g->bias) memcpy(bias, g->bias + o, count * sizeof *bias);
        _mm_storeu_ps(out, finish(g, dot4(g->k, a, w), _mm_loadu_ps(bias)));
        memcpy(y + o, out, count * sizeof *out);
    }
}

void eq_gemm_f32_f32_f32__avx2(const struct eq_gemm_f32_f32_f32 *g) {
    if (g->m == MANY) four_rows(g);
    else
        for (size_t i = 0; i < g->m; i++) one_row(g, g->a + i * g->a_stride, g->y + i * g->y_stride);
}
