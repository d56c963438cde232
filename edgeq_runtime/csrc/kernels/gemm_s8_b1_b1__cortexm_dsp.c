#include "cortexm_dsp_signs.h"

void eq_gemm_s8_b1_b1__cortexm_dsp(const struct eq_gemm_s8_b1_b1 *args) {
    const struct eq_signs *g = &args->signs;
    uint32_t sums[EQ_SIGNS];
    for (size_t i = 0; i < g->m; i++)
        for (size_t o = 0; o < g->n; o += EQ_SIGNS) {
            const int32_t *base = g->base + g->heads[i] + o;
            const size_t channels = differing(g, i, o, sums);
            for (size_t c = 0; c < channels; c++) {
                const int32_t v = eq_requantize((int32_t)((uint32_t)base[c] - 2 * sums[c]), args->m[o + c], args->n[o + c]);
                args->y[i * args->y_stride + o + c] = eq_clamp_s8(v, args->y_zero, args->lo, args->hi);
            }
        }
}
