/* In how many signs a row and a channel differ, weights as they lie in the file: what the portable kernels share. */
#ifndef EQ_KERNELS_PORTABLE_SIGNS_H
#define EQ_KERNELS_PORTABLE_SIGNS_H
#include "eq_kernels.h"
#include "eq_signs.h"

EQ_INLINE uint32_t differing(const struct eq_signs *g, size_t i, size_t o) {
    const size_t words = eq_sign_words(g->depth), taps = g->steps / words;
    size_t at = o * g->parts * taps * g->depth;
    uint32_t sum = 0;
    for (size_t p = 0; p < g->parts; p++) {
        const uint8_t *a = g->a + (ptrdiff_t)g->rows[i] + g->parts_at[p];
        for (size_t t = 0; t < taps; t++)
            for (size_t left = g->depth; left > 0; a += sizeof(uint32_t)) {
                const size_t some = left < EQ_SIGNS ? left : EQ_SIGNS;
                uint32_t word;
                memcpy(&word, a, sizeof word);
                sum += eq_sign_count(word ^ eq_sign_bits(g->w, at, some));
                at += some;
                left -= some;
            }
    }
    return sum;
}

EQ_INLINE int32_t base_of(const struct eq_signs *g, size_t i, size_t o) { return g->base[g->heads[i] + o]; }
#endif
