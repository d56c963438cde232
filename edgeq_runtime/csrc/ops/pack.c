#include "pack.h"
#include <stdbool.h>
#include <string.h>

static size_t blocks(const struct eq_kernel *kernel, size_t n) { return (n + kernel->nr - 1) / kernel->nr; }

size_t eq_gemm_pack_bytes(const struct eq_kernel *kernel, size_t n, size_t k) {
    return kernel->kr ? blocks(kernel, n) * kernel->nr * eq_gemm_k(kernel, k) : n * k;
}

/* kr inputs of one channel, of which `real` are there. */
static int8_t *pack_step(const int8_t *w, size_t k_step, size_t real, size_t kr, int8_t *packed) {
    if (k_step == 1) memcpy(packed, w, real);
    else
        for (size_t i = 0; i < real; i++) packed[i] = w[i * k_step];
    if (real < kr) memset(packed + real, 0, kr - real);
    return packed + kr;
}

void eq_gemm_pack(const struct eq_kernel *kernel, size_t n, size_t k, const int8_t *w, size_t o_step, size_t k_step, int8_t *packed) {
    const size_t nr = kernel->kr ? kernel->nr : 1, kr = kernel->kr ? kernel->kr : k;
    for (size_t block = 0; block < n; block += nr) {
        const size_t end = n - block < nr ? n : block + nr, missing = (block + nr - end) * kr;
        for (size_t i = 0; i < k; i += kr, packed += missing) {
            const size_t real = k - i < kr ? k - i : kr;
            for (size_t o = block; o < end; o++) packed = pack_step(w + o * o_step + i * k_step, k_step, real, kr, packed);
            if (missing) memset(packed, 0, missing);
        }
    }
}

static size_t aligned(size_t bytes) { return (bytes + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN; }

size_t eq_gemm_s8_bytes(const struct eq_kernel *kernel, size_t n, size_t parts, size_t part) {
    return aligned(eq_gemm_pack_bytes(kernel, n, parts * eq_gemm_k(kernel, part)));
}

void eq_gemm_s8_pack(const struct eq_kernel *kernel, const struct eq_matrix *x, int8_t *packed) {
    const size_t part = eq_gemm_k(kernel, x->part), nr = kernel->nr;
    for (size_t o = 0; o < x->n; o += nr)
        for (size_t i = 0; i < x->parts; i++)
            eq_gemm_pack(kernel, x->n - o < nr ? x->n - o : nr, x->part, x->w + o * x->o_step + i * x->part_step, x->o_step, x->k_step,
                         packed + (o * x->parts + i * nr) * part);
}

size_t eq_gemm_s8_channels(const struct eq_kernel *kernel, size_t n) { return blocks(kernel, n) * kernel->nr; }

size_t eq_gemm_s8_head_bytes(size_t channels) { return aligned(EQ_ALIGN + 9 * channels); }

/* Sum of w - w_zero over a channel; *lowest: the smallest weight so far. */
static int32_t sum_of(const struct eq_matrix *x, size_t o, int32_t w_zero, int32_t *lowest) {
    int32_t sum = 0, least = *lowest;
    for (size_t p = 0; p < x->parts; p++)
        for (size_t i = 0; i < x->part; i++) {
            const int8_t v = x->w[o * x->o_step + p * x->part_step + i * x->k_step];
            sum += v - w_zero;
            if (v < least) least = v;
        }
    *lowest = least;
    return sum;
}

void eq_gemm_s8_heads(const struct eq_kernel *kernel, const struct eq_matrix *x, const struct eq_rq *rq, int32_t x_zero, int32_t w_zero,
                      void *memory) {
    const size_t channels = eq_gemm_s8_channels(kernel, x->n);
    const struct eq_gemm_s8_heads p = eq_gemm_s8_heads_in(channels, memory);
    *p.w_lowest = *p.n_lowest = INT8_MAX;
    for (size_t o = 0; o < channels; o++) {
        const bool real = o < x->n;
        p.bias[o] = real ? (int32_t)((uint32_t)rq->bias[o] - (uint32_t)x_zero * (uint32_t)sum_of(x, o, w_zero, p.w_lowest)) : 0;
        p.m[o] = real ? rq->m[o] : 0;
        p.n[o] = real ? rq->n[o] : 2;
        if (p.n[o] < *p.n_lowest) *p.n_lowest = p.n[o];
    }
}

size_t eq_dwconv_pack_bytes(const struct eq_kernel *kernel, size_t taps, size_t channels) {
    return blocks(kernel, channels) * kernel->nr * ((taps + kernel->kr - 1) / kernel->kr * kernel->kr) * sizeof(int16_t);
}

void eq_dwconv_pack(const struct eq_kernel *kernel, size_t taps, size_t channels, const int8_t *w, int32_t w_zero, int16_t *packed) {
    for (size_t block = 0; block < channels; block += kernel->nr)
        for (size_t t = 0; t < taps; t += kernel->kr)
            for (size_t c = block; c < block + kernel->nr; c++)
                for (size_t at = t; at < t + kernel->kr; at++)
                    *packed++ = c < channels && at < taps ? (int16_t)(w[at * channels + c] - w_zero) : 0;
}
