#include "eq_round.h"
#include "portable_signs.h"

void eq_gemm_s8_b1_b1__portable(const struct eq_gemm_s8_b1_b1 *args) {
    const struct eq_signs *g = &args->signs;
    for (size_t i = 0; i < g->m; i++)
        for (size_t o = 0; o < g->n; o++) {
            const int32_t acc = (int32_t)((uint32_t)base_of(g, i, o) - 2 * differing(g, i, o));
            const int32_t v = eq_requantize(acc, args->m[o], args->n[o]);
            args->y[i * args->y_stride + o] = eq_clamp_s8(v, args->y_zero, args->lo, args->hi);
        }
}
