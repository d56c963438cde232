/* Weights of signs as the kernels want them; eq_kernels.h says how they lie. A constant of b1 is a number of taps of `depth` inputs, bit
 * after bit; packed, each tap begins with a word. */
#ifndef EQ_OPS_PACK_B1_H
#define EQ_OPS_PACK_B1_H
#include "eq_kernels.h"
#include "eq_signs.h"

/* Word i of a tap. */
static inline uint32_t eq_signs_word(const uint8_t *data, size_t depth, size_t tap, size_t i) {
    const size_t left = depth - i * EQ_SIGNS;
    return eq_sign_bits(data, tap * depth + i * EQ_SIGNS, left < EQ_SIGNS ? left : EQ_SIGNS);
}

/* Of n channels, each of `parts` pieces of so many bytes, which are rounded up to kr: a multiple of EQ_ALIGN. Only where kr > 0. */
size_t eq_signs_bytes(const struct eq_kernel *kernel, size_t n, size_t parts, size_t bytes);
/* The words of each channel's taps, one after the other, as those pieces. */
void eq_signs_pack(const struct eq_kernel *kernel, size_t n, size_t depth, size_t parts, size_t bytes, const uint8_t *data, void *packed);
#endif
