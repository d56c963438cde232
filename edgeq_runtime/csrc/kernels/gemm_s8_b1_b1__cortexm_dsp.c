#include "cortexm_dsp_signs.h"

EQ_INLINE int8_t scaled(const struct eq_gemm_s8_b1_b1 *args, uint32_t bits, int32_t base, size_t o) {
    const int32_t acc = (int32_t)((uint32_t)base - 2 * bits);
    return eq_clamp_s8(eq_requantize(acc, args->m[o], args->n[o]), args->y_zero, args->lo, args->hi);
}

void eq_gemm_s8_b1_b1__cortexm_dsp(const struct eq_gemm_s8_b1_b1 *args) {
    const struct eq_signs *g = &args->signs;
    const size_t pair = g->parts * g->steps * WORDS * PAIR, n = g->n;
    for (size_t i = 0; i < g->m; i++) {
        const uint32_t *w = (const void *)g->w;
        const int32_t *base = g->base + g->heads[i];
        int8_t *y = args->y + i * args->y_stride;
        for (size_t o = 0; o < n; o += PAIR, w += pair) {
            const counts c = differing(g, g->a + g->rows[i], w);
            for (size_t j = 0; j < PAIR && o + j < n; j++) y[o + j] = scaled(args, (uint32_t)(c >> 32 * j), base[o + j], o + j);
        }
    }
}
