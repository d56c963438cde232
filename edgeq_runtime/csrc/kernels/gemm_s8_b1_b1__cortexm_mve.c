#include "cortexm_mve_signs.h"

void eq_gemm_s8_b1_b1__cortexm_mve(const struct eq_gemm_s8_b1_b1 *args) {
    const struct eq_signs *g = &args->signs;
    const struct mve_output out = MVE_OUTPUT(args, args->n_lowest < 1);
    for (size_t i = 0; i < g->m; i++)
        for (size_t block = 0; block < g->n; block += BLOCK) {
            int32_t sums[BLOCK];
            differing(g, g->a + g->rows[i], block, sums);
            for (size_t c = 0; c < BLOCK && block + c < g->n; c += LANES) {
                const size_t o = block + c;
                const int32x4_t base = vldrwq_s32(g->base + g->heads[i] + o);
                const struct mve_scale s = mve_scale_of(&out, base, vldrwq_s32(args->m + o), vldrbq_s32(args->n + o));
                const int32x4_t less = vmulq_n_s32(vldrwq_s32(sums + c), -2);
                mve_put(&out, &s, less, vctp32q((uint32_t)(g->n - o)), args->y + i * args->y_stride + o);
            }
        }
}
