#include "cortexm_dsp_signs.h"

/* The bits before, and the sign of what is left of a limit. */
EQ_INLINE uint32_t above(uint32_t bits, int32_t base, uint32_t count) { return bits >> 1 | (((uint32_t)base - count) & 0x80000000u); }

/* 32 channels at most, their weights from w on. Of channels that were added base says INT32_MAX. */
EQ_INLINE uint32_t word(const struct eq_signs *g, const uint8_t *row, const uint32_t *w, size_t pair, const int32_t *base,
                        size_t channels) {
    uint32_t bits = 0;
    size_t o = 0;
    for (; o < channels; o += PAIR, w += pair) {
        const counts c = differing(g, row, w);
        bits = above(above(bits, base[o], (uint32_t)c), base[o + 1], (uint32_t)(c >> 32));
    }
    return bits >> (EQ_SIGNS - o);
}

void eq_gemm_b1_b1_b1__cortexm_dsp(const struct eq_gemm_b1_b1_b1 *args) {
    const struct eq_signs *g = &args->signs;
    const size_t pair = g->parts * g->steps * WORDS * PAIR, n = g->n;
    for (size_t i = 0; i < g->m; i++) {
        const uint32_t *w = (const void *)g->w;
        const int32_t *base = g->base + g->heads[i];
        uint32_t *y = args->y + i * args->y_stride;
        for (size_t o = 0; o < n; o += EQ_SIGNS, w += EQ_SIGNS / PAIR * pair)
            *y++ = word(g, g->a + g->rows[i], w, pair, base + o, n - o < EQ_SIGNS ? n - o : EQ_SIGNS);
    }
}
