#include "portable_signs.h"

void eq_gemm_b1_b1_b1__portable(const struct eq_gemm_b1_b1_b1 *args) {
    const struct eq_signs *g = &args->signs;
    for (size_t i = 0; i < g->m; i++)
        for (size_t first = 0; first < g->n; first += EQ_SIGNS) {
            const size_t end = g->n - first < EQ_SIGNS ? g->n : first + EQ_SIGNS;
            uint32_t word = 0;
            for (size_t o = first; o < end; o++) word |= (uint32_t)((int32_t)differing(g, i, o) > base_of(g, i, o)) << (o - first);
            args->y[i * args->y_stride + first / EQ_SIGNS] = word;
        }
}
