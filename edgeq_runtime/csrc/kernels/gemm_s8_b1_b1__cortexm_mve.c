#include "cortexm_mve_signs.h"

void eq_gemm_s8_b1_b1__cortexm_mve(const struct eq_gemm_s8_b1_b1 *args) {
    const struct eq_signs *g = &args->signs;
    const struct mve_output out = MVE_OUTPUT(args, args->n_lowest < 1);
    for (size_t i = 0; i < g->m; i++)
        for (size_t block = 0; block < g->n; block += BLOCK) {
            const struct sums sums = differing(g, g->a + g->rows[i], block);
            for (size_t q = 0; q < QUADS; q++) {
                const size_t o = block + q * LANES;
                if (o >= g->n) break;
                const int32x4_t base = vldrwq_s32(g->base + g->heads[i] + o);
                const struct mve_scale s = mve_scale_of(&out, base, vldrwq_s32(args->m + o), vldrbq_s32(args->n + o));
                const int32x4_t v = mve_clamped(&out, &s, vmulq_n_s32(sums.of[q], -2));
                mve_put(v, g->n - o, args->y + i * args->y_stride + o);
            }
        }
}
