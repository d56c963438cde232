#include "pack.h"

static size_t blocks(const struct eq_kernel *kernel, size_t n) { return (n + kernel->nr - 1) / kernel->nr; }

size_t eq_gemm_pack_bytes(const struct eq_kernel *kernel, size_t n, size_t k) {
    return kernel->kr ? blocks(kernel, n) * kernel->nr * eq_gemm_k(kernel, k) : n * k;
}

void eq_gemm_pack(const struct eq_kernel *kernel, size_t n, size_t k, const int8_t *w, size_t o_step, size_t k_step, int8_t *packed) {
    const size_t nr = kernel->kr ? kernel->nr : 1, kr = kernel->kr ? kernel->kr : 1;
    for (size_t block = 0; block * nr < n; block++)
        for (size_t i = 0; i < k; i += kr)
            for (size_t lane = 0; lane < nr * kr; lane++) {
                const size_t o = block * nr + lane / kr, at = i + lane % kr;
                *packed++ = o < n && at < k ? w[o * o_step + at * k_step] : 0;
            }
}

size_t eq_dwconv_pack_bytes(const struct eq_kernel *kernel, size_t taps, size_t channels) {
    return blocks(kernel, channels) * kernel->nr * ((taps + kernel->kr - 1) / kernel->kr * kernel->kr) * sizeof(int16_t);
}

void eq_dwconv_pack(const struct eq_kernel *kernel, size_t taps, size_t channels, const int8_t *w, int32_t w_zero, int16_t *packed) {
    const size_t nr = kernel->nr, kr = kernel->kr;
    for (size_t block = 0; block < channels; block += nr)
        for (size_t t = 0; t < taps; t += kr)
            for (size_t lane = 0; lane < nr * kr; lane++) {
                const size_t c = block + lane / kr, at = t + lane % kr;
                *packed++ = c < channels && at < taps ? (int16_t)(w[at * channels + c] - w_zero) : 0;
            }
}
