#include "pack.h"

static size_t blocks(const struct eq_kernel *kernel, size_t n) { return (n + kernel->nr - 1) / kernel->nr; }

size_t eq_gemm_pack_bytes(const struct eq_kernel *kernel, size_t n, size_t k) {
    return kernel->kr ? blocks(kernel, n) * kernel->nr * eq_gemm_k(kernel, k) : n * k;
}

void eq_gemm_pack(const struct eq_kernel *kernel, size_t n, size_t k, const int8_t *w, size_t o_step, size_t k_step, int8_t *packed) {
    const size_t nr = kernel->kr ? kernel->nr : 1, kr = kernel->kr ? kernel->kr : 1;
    for (size_t block = 0; block < n; block += nr)
        for (size_t i = 0; i < k; i += kr)
            for (size_t o = block; o < block + nr; o++)
                for (size_t at = i; at < i + kr; at++) *packed++ = o < n && at < k ? w[o * o_step + at * k_step] : 0;
}

struct eq_gemm_s8_packed eq_gemm_s8_packed_at(const struct eq_kernel *kernel, size_t n, size_t k, void *memory) {
    const size_t channels = blocks(kernel, n) * kernel->nr, heads = EQ_ALIGN + 9 * channels;
    const size_t weights = (heads + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN, end = weights + eq_gemm_pack_bytes(kernel, n, k);
    uint8_t *at = memory;
    struct eq_gemm_s8_packed p = {.bytes = (end + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN};
    if (!at) return p;
    p.w_lowest = (void *)at;
    p.n_lowest = p.w_lowest + 1;
    p.bias = (void *)(at + EQ_ALIGN);
    p.m = p.bias + channels;
    p.n = (int8_t *)(p.m + channels);
    p.w = (int8_t *)at + weights;
    return p;
}

void eq_gemm_s8_pack(const struct eq_kernel *kernel, size_t n, size_t parts, size_t part, const int8_t *w, const struct eq_rq *rq,
                     int32_t x_zero, int32_t w_zero, void *memory) {
    const size_t k = parts * part, packed_part = eq_gemm_k(kernel, part);
    const struct eq_gemm_s8_packed p = eq_gemm_s8_packed_at(kernel, n, parts * packed_part, memory);
    *p.w_lowest = *p.n_lowest = INT8_MAX;
    for (size_t o = 0; o < blocks(kernel, n) * kernel->nr; o++) {
        p.bias[o] = p.m[o] = 0;
        p.n[o] = 2;
        if (o >= n) continue;
        int32_t sum = 0;
        for (size_t i = 0; i < k; i++) {
            const int8_t v = w[o * k + i];
            sum += v - w_zero;
            if (v < *p.w_lowest) *p.w_lowest = v;
        }
        p.bias[o] = (int32_t)((uint32_t)rq->bias[o] - (uint32_t)x_zero * (uint32_t)sum);
        p.m[o] = rq->m[o];
        p.n[o] = rq->n[o];
        if (p.n[o] < *p.n_lowest) *p.n_lowest = p.n[o];
    }
    for (size_t o = 0; o < n; o += kernel->nr)
        for (size_t i = 0; i < parts; i++)
            eq_gemm_pack(kernel, n - o < kernel->nr ? n - o : kernel->nr, part, w + o * k + i * part, k, 1,
                         p.w + (o * parts + i * kernel->nr) * packed_part);
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
