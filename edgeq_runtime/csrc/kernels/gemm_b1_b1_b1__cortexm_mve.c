#include "cortexm_mve_signs.h"

/* Whether more bits differ than base says, as a bit for each of 16 channels. */
EQ_INLINE uint32_t signs_of(const int32_t *sums, const int32_t *base) {
    static const uint32_t places[LANES] = {1, 2, 4, 8};
    uint32x4_t bits = vldrwq_u32(places);
    uint32_t all = 0;
    for (size_t i = 0; i < QUADS; i++, bits = vshlq_n_u32(bits, LANES))
        all = vaddvaq_p_u32(all, bits, vcmpgtq_s32(vldrwq_s32(sums + i * LANES), vldrwq_s32(base + i * LANES)));
    return all;
}

void eq_gemm_b1_b1_b1__cortexm_mve(const struct eq_gemm_b1_b1_b1 *args) {
    const struct eq_signs *g = &args->signs;
    for (size_t i = 0; i < g->m; i++)
        for (size_t o = 0; o < g->n; o += EQ_SIGNS) {
            const int32_t *base = g->base + g->heads[i] + o;
            uint32_t bits = 0;
            for (size_t half = 0; half < EQ_SIGNS && o + half < g->n; half += BLOCK) {
                int32_t sums[BLOCK];
                differing(g, g->a + g->rows[i], o + half, sums);
                bits |= signs_of(sums, base + half) << half;
            }
            args->y[i * args->y_stride + o / EQ_SIGNS] = bits;
        }
}
