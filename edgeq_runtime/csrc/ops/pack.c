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
