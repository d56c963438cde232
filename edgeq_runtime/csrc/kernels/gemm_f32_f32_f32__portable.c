#include "eq_kernels.h"

enum { PARTS = 16 };

static float dot(size_t k, const float *a, const float *w) {
    float p[PARTS] = {0};
    size_t i = 0;
    for (; i + PARTS <= k; i += PARTS)
        for (size_t j = 0; j < PARTS; j++) p[j] += a[i + j] * w[i + j];
    for (size_t j = 0; i + j < k; j++) p[j] += a[i + j] * w[i + j];
    for (size_t d = PARTS / 2; d > 0; d /= 2)
        for (size_t j = 0; j < d; j++) p[j] += p[j + d];
    return p[0];
}

void eq_gemm_f32_f32_f32__portable(const struct eq_gemm_f32_f32_f32 *g) {
    for (size_t o = 0; o < g->n; o++)
        for (size_t i = 0; i < g->m; i++) {
            float v = dot(g->k, g->a + i * g->a_stride, g->w + o * g->k);
            if (g->bias) v += g->bias[o];
            g->y[i * g->y_stride + o] = v < g->lo ? g->lo : v > g->hi ? g->hi : v;
        }
}
