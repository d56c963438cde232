#include "eq_kernels.h"
#include "eq_round.h"

enum { EXACT = 256 /* products of 2^22 at most, whose sum fits in 32 bits */ };

static int64_t dot(size_t k, const int16_t *a, const int8_t *w) {
    int64_t sum = 0;
    for (size_t i = 0; i < k; i += EXACT) {
        const size_t end = k - i < EXACT ? k : i + EXACT;
        int32_t part = 0;
        for (size_t j = i; j < end; j++) part += a[j] * w[j];
        sum += part;
    }
    return sum;
}

void eq_gemm_s16_s16_s8__portable(const struct eq_gemm_s16_s16_s8 *g) {
    for (size_t i = 0; i < g->m; i++)
        for (size_t o = 0; o < g->n; o++) {
            const int64_t acc = g->rq.bias[o] + dot(g->k, g->a + i * g->a_stride, g->w + o * g->k);
            g->y[i * g->y_stride + o] = eq_clamp_s16(eq_requantize_wide(acc, g->rq.m[o], g->rq.n[o]), g->lo, g->hi);
        }
}
