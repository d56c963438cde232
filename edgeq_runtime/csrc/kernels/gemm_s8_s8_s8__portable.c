#include "eq_kernels.h"
#include "eq_round.h"

/* Unsigned: only the sum of all is sure to be in range. */
static uint32_t dot(const struct eq_gemm_s8_s8_s8 *g, const int8_t *a, const int8_t *w) {
    uint32_t sum = 0;
    for (size_t p = 0; p < g->parts; p++)
        for (size_t i = 0; i < g->k; i++) sum += (uint32_t)(a[g->parts_at[p] + (ptrdiff_t)i] * (*w++ - g->w_zero));
    return sum;
}

void eq_gemm_s8_s8_s8__portable(const struct eq_gemm_s8_s8_s8 *g) {
    for (size_t i = 0; i < g->m; i++)
        for (size_t o = 0; o < g->n; o++) {
            const int32_t acc = (int32_t)((uint32_t)g->rq.bias[o] + dot(g, g->a + g->rows[i], g->w + o * g->parts * g->k));
            g->y[i * g->y_stride + o] = eq_clamp_s8(eq_requantize(acc, g->rq.m[o], g->rq.n[o]), g->y_zero, g->lo, g->hi);
        }
}
