/* Weights as the kernels want them; eq_kernels.h says how they lie. */
#ifndef EQ_OPS_PACK_H
#define EQ_OPS_PACK_H
#include "eq_kernels.h"

/* Inputs of a row: k, rounded up where the kernel takes several at once. */
static inline size_t eq_gemm_k(const struct eq_kernel *kernel, size_t k) {
    return kernel->kr ? (k + kernel->kr - 1) / kernel->kr * kernel->kr : k;
}
/* Bytes of the packed weights of one matrix; of the neutral layout where kr is 0. */
size_t eq_gemm_pack_bytes(const struct eq_kernel *kernel, size_t n, size_t k);
/* w: element (channel o, input i) at o * o_step + i * k_step. kr = 0: copied into the neutral layout. */
void eq_gemm_pack(const struct eq_kernel *kernel, size_t n, size_t k, const int8_t *w, size_t o_step, size_t k_step, int8_t *packed);

/* What a gemm_s8_s8_s8 or gemm_s8_u8_s8 needs of one matrix, in memory of EQ_ALIGN: the weights, and its channel parameters. */
struct eq_gemm_s8_packed {
    int32_t *w_lowest, *n_lowest;
    int32_t *bias, *m;
    int8_t *n, *w;
    size_t bytes;
};
/* How that memory is divided: found once, since it takes divisions. */
struct eq_gemm_s8_place {
    size_t channels, weights, bytes; /* channels as packed; where the weights lie; all */
};
struct eq_gemm_s8_place eq_gemm_s8_place_of(const struct eq_kernel *kernel, size_t n, size_t k);
static inline struct eq_gemm_s8_packed eq_gemm_s8_packed_in(const struct eq_gemm_s8_place *place, void *memory) {
    int32_t *lowest = memory, *bias = (void *)((uint8_t *)memory + EQ_ALIGN), *m = bias + place->channels;
    return (struct eq_gemm_s8_packed){lowest,      lowest + 1, bias, m, (int8_t *)(m + place->channels), (int8_t *)memory + place->weights,
                                      place->bytes};
}
/* memory NULL: only `bytes` is of use. */
struct eq_gemm_s8_packed eq_gemm_s8_packed_at(const struct eq_kernel *kernel, size_t n, size_t k, void *memory);
/* Weights of n channels, each of `parts` pieces of `part` inputs, and the distances between them. */
struct eq_matrix {
    const int8_t *w;
    size_t n, parts, part, o_step, part_step, k_step;
};
/* Each part is rounded up to kr: k of the above is parts eq_gemm_k(kernel, part). x_zero as the rows hold it. */
void eq_gemm_s8_pack(const struct eq_kernel *kernel, const struct eq_matrix *matrix, const struct eq_rq *rq, int32_t x_zero, int32_t w_zero,
                     void *memory);

/* Only where kr > 0. w: [taps][channels]. */
size_t eq_dwconv_pack_bytes(const struct eq_kernel *kernel, size_t taps, size_t channels);
void eq_dwconv_pack(const struct eq_kernel *kernel, size_t taps, size_t channels, const int8_t *w, int32_t w_zero, int16_t *packed);
#endif
