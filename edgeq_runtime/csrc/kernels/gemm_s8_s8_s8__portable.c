#include "eq_kernels.h"
#include "eq_round.h"

static uint32_t dot(size_t k, const int8_t *a, const int8_t *w, int32_t w_zero) {
    uint32_t sum = 0;
    for (size_t i = 0; i < k; i++) sum += (uint32_t)(a[i] * (w[i] - w_zero));
    return sum;
}

void eq_gemm_s8_s8_s8__portable(const struct eq_gemm_s8_s8_s8 *g) {
    for (size_t i = 0; i < g->m; i++)
        for (size_t o = 0; o < g->n; o++) {
            const int32_t acc = (int32_t)((uint32_t)g->rq.bias[o] + dot(g->k, g->a + i * g->a_stride, g->w + o * g->k, g->w_zero));
            g->y[i * g->y_stride + o] = eq_clamp_s8(eq_requantize(acc, g->rq.m[o], g->rq.n[o]), g->y_zero, g->lo, g->hi);
        }
}
