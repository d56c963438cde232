/* Weights as the kernels want them; eq_kernels.h says how they lie. */
#ifndef EQ_OPS_PACK_H
#define EQ_OPS_PACK_H
#include "weights.h"

/* Inputs that a kernel takes at once: those whose weights share bytes. */
static inline size_t eq_gemm_unit(const struct eq_kernel *kernel) {
    const size_t bits = (size_t)eq_weight_bits(kernel);
    return bits < 8 ? kernel->kr * (8 / bits) : kernel->kr;
}
/* Inputs of a row: k, rounded up where the kernel takes several at once. */
static inline size_t eq_gemm_k(const struct eq_kernel *kernel, size_t k) {
    const size_t unit = eq_gemm_unit(kernel);
    return unit ? (k + unit - 1) / unit * unit : k;
}
/* Bytes of the packed weights of one matrix; of the neutral layout where kr is 0. */
size_t eq_gemm_pack_bytes(const struct eq_kernel *kernel, size_t n, size_t k);
/* w: element (channel o, input i) at o * o_step + i * k_step. kr = 0: copied into the neutral layout. */
void eq_gemm_pack(const struct eq_kernel *kernel, size_t n, size_t k, const int8_t *w, size_t o_step, size_t k_step, int8_t *packed);

/* The weights of one matrix for gemm_s8_s8_*, gemm_s8_u8_* or dwconv_s8_u8_s8: each part is rounded up to kr, and to whole bytes. Bytes: a
 * multiple of EQ_ALIGN. */
size_t eq_gemm_s8_bytes(const struct eq_kernel *kernel, size_t n, size_t parts, size_t part);
void eq_gemm_s8_pack(const struct eq_kernel *kernel, const struct eq_matrix *matrix, int8_t *packed);
/* The same of the low plane. */
void eq_gemm_s8_pack_low(const struct eq_kernel *kernel, const struct eq_matrix *matrix, int8_t *packed);

/* What these kernels need of a matrix beside its weights, in memory of EQ_ALIGN. */
struct eq_gemm_s8_heads {
    int32_t *w_lowest, *n_lowest;
    int32_t *bias, *m;
    int8_t *n;
    uint8_t *multipliers; /* [channels / nr][parts][groups of a part][nr] */
};
/* Channels as packed, and bytes of their heads, a multiple of EQ_ALIGN. groups: of a channel. */
size_t eq_gemm_s8_channels(const struct eq_kernel *kernel, size_t n);
size_t eq_gemm_s8_head_bytes(size_t channels, size_t groups);
static inline struct eq_gemm_s8_heads eq_gemm_s8_heads_in(size_t channels, void *memory) {
    int32_t *lowest = memory, *bias = (void *)((uint8_t *)memory + EQ_ALIGN), *m = bias + channels;
    int8_t *n = (int8_t *)(m + channels);
    return (struct eq_gemm_s8_heads){lowest, lowest + 1, bias, m, n, (uint8_t *)n + channels};
}
/* x_zero as the rows hold it. */
void eq_gemm_s8_heads(const struct eq_kernel *kernel, const struct eq_matrix *matrix, int32_t x_zero, void *memory);

/* Only where kr > 0, of weights in [taps][channels]. */
size_t eq_dwconv_pack_bytes(const struct eq_kernel *kernel, size_t taps, size_t channels);
void eq_dwconv_pack(const struct eq_kernel *kernel, size_t taps, size_t channels, const struct eq_weights *w, int16_t *packed);
#endif
