#include "selftest.h"

int gemm_s8(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[80];
    const size_t padded = eq_gemm_k(tested, k), stride = padded + (size_t)between(0, 3);
    int16_t *a = tail(activation_end, m * stride - (stride - padded), 2);
    int8_t *w = tail(weight_end, n * k, 1), *packed = tail(packed_end, eq_gemm_pack_bytes(tested, n, k), 1);
    fill_s16(a, m * stride - (stride - padded), -255, 255);
    for (size_t i = 0; i < m; i++) memset(a + i * stride + k, 0, (padded - k) * sizeof *a);
    fill_s8(w, n * k, fill_kind & 2);
    eq_gemm_pack(tested, n, k, w, k, 1, packed);
    struct eq_gemm_s8_s16_s8 args = {m, n, k, a, stride, w, fill_rq(n), output(0, 1), n + skew, 0, between(-128, 127), -128, 127};
    args.w_zero = weight_zero();
    fill_clamp(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_gemm_s8_s16_s8, &args);
    args.k = padded;
    args.w = packed;
    args.y = output(1, 1);
    RUN(tested, eq_gemm_s8_s16_s8, &args);
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu k=%zu stride=%zu w_zero=%d", m, n, k, stride, (int)args.w_zero);
    return compare(sizes, 1);
}
