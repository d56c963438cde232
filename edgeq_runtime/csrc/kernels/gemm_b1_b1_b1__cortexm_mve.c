#include "cortexm_mve_signs.h"

/* Whether more bits differ than base says, as a bit for each of 16 channels: the difference is less than 0. A lane collects four of them,
 * four places apart. */
EQ_INLINE uint32_t signs_of(const struct sums *sums, const int32_t *base) {
    static const uint32_t places[LANES] = {1, 2, 4, 8};
    uint32x4_t bits = vdupq_n_u32(0);
    for (size_t i = QUADS; i-- > 0;) {
        const int32x4_t less = vsubq_s32(vldrwq_s32(base + i * LANES), sums->of[i]);
        bits = vsriq_n_u32(vshlq_n_u32(bits, LANES), (uint32x4_t)less, 31);
    }
    return vmladavq_u32(bits, vldrwq_u32(places));
}

void eq_gemm_b1_b1_b1__cortexm_mve(const struct eq_gemm_b1_b1_b1 *args) {
    const struct eq_signs *g = &args->signs;
    for (size_t i = 0; i < g->m; i++)
        for (size_t o = 0; o < g->n; o += EQ_SIGNS) {
            const int32_t *base = g->base + g->heads[i] + o;
            uint32_t bits = 0;
            for (size_t half = 0; half < EQ_SIGNS && o + half < g->n; half += BLOCK) {
                const struct sums sums = differing(g, g->a + g->rows[i], o + half);
                bits |= signs_of(&sums, base + half) << half;
            }
            args->y[i * args->y_stride + o / EQ_SIGNS] = bits;
        }
}
