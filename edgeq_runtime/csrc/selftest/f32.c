#include "selftest.h"

static void bounds_f32(float *lo, float *hi) {
    const float infinity = 1e30f * 1e30f;
    *lo = next() % 2 ? -infinity : 0;
    *hi = next() % 2 ? infinity : 6;
}

int gemm_f32(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[80];
    const size_t stride = k + (size_t)between(0, 3), used = (m - 1) * stride + k;
    float *a = tail(activation_end, used, 4), *w = tail(weight_end, n * k, 4), *bias = tail(params_end, n, 4);
    fill_f32(a, used);
    fill_f32(w, n * k);
    fill_f32(bias, n);
    struct eq_gemm_f32_f32_f32 args = {m, n, k, a, stride, w, next() % 3 ? bias : NULL, output(0, 4), n + skew, 0, 0};
    bounds_f32(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_gemm_f32_f32_f32, &args);
    args.y = output(1, 4);
    RUN(tested, eq_gemm_f32_f32_f32, &args);
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu k=%zu stride=%zu", m, n, k, stride);
    return compare(sizes, 4);
}

int dwconv_f32(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps) {
    char sizes[80];
    const float *x[MAX_TAPS], *w[MAX_TAPS];
    const size_t step = channels * (size_t)between(1, 2), stretch = (pixels - 1) * step + channels;
    float *first = tail(activation_end, stretch + 13 * taps, 4), *weights = tail(weight_end, taps * channels, 4),
          *bias = tail(params_end, channels, 4);
    fill_f32(first, stretch + 13 * taps);
    fill_f32(weights, taps * channels);
    fill_f32(bias, channels);
    const size_t last = next() % taps;
    for (size_t t = 0; t < taps; t++) {
        x[t] = first + 13 * (taps - (t + taps - last) % taps);
        w[t] = weights + t * channels;
    }
    struct eq_dwconv_f32_f32_f32 args = {pixels, channels, taps, x, w, step, bias, output(0, 4), 0, 0};
    bounds_f32(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_dwconv_f32_f32_f32, &args);
    args.y = output(1, 4);
    RUN(tested, eq_dwconv_f32_f32_f32, &args);
    snprintf(sizes, sizeof sizes, "pixels=%zu channels=%zu taps=%zu", pixels, channels, taps);
    return compare(sizes, 4);
}
