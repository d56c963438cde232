#include "cortexm_dsp_signs.h"

void eq_gemm_b1_b1_b1__cortexm_dsp(const struct eq_gemm_b1_b1_b1 *args) {
    const struct eq_signs *g = &args->signs;
    uint32_t sums[EQ_SIGNS];
    for (size_t i = 0; i < g->m; i++)
        for (size_t o = 0; o < g->n; o += EQ_SIGNS) {
            const int32_t *base = g->base + g->heads[i] + o; /* of channels that were added it says INT32_MAX */
            uint32_t bits = 0;
            differing(g, i, o, sums);
            for (size_t c = 0; c < EQ_SIGNS; c++) bits = bits >> 1 | (((uint32_t)base[c] - sums[c]) & 0x80000000u);
            args->y[i * args->y_stride + o / EQ_SIGNS] = bits;
        }
}
