/* int16 throughout, with sums of 64 bits. */
#include "../eq_round.h"
#include "selftest.h"

/* Shifts to the left are fewer than for sums of 32 bits. */
static struct eq_rq fill_rq16(size_t channels) {
    const struct eq_rq rq = fill_rq(channels);
    int8_t *n = (int8_t *)(uintptr_t)rq.n;
    for (size_t o = 0; o < channels; o++) n[o] = n[o] < EQ_RQ16_N_MIN ? EQ_RQ16_N_MIN : n[o];
    return rq;
}

static void fill_ends(int32_t *lo, int32_t *hi) {
    if (next() % 4) return;
    *lo = between(INT16_MIN, 0);
    *hi = between(0, INT16_MAX);
}

int gemm_s16(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[80];
    const size_t padded = eq_gemm_k(tested, k), stride = padded + (size_t)between(0, 3), used = m * stride - (stride - padded);
    int16_t *a = tail(activation_end, used, 2);
    int8_t *w = tail(weight_end, n * k, 1), *packed = tail(packed_end, eq_gemm_pack_bytes(tested, n, k), 1);
    fill_s16(a, used, INT16_MIN, INT16_MAX);
    for (size_t i = 0; i < m; i++) memset(a + i * stride + k, 0, (padded - k) * sizeof *a);
    fill_s8(w, n * k, fill_kind & 2);
    eq_gemm_pack(tested, n, k, w, k, 1, packed);
    struct eq_gemm_s16_s16_s8 args = {m, n, k, a, stride, w, fill_rq16(n), output(0, 2), n + skew, INT16_MIN, INT16_MAX};
    fill_ends(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_gemm_s16_s16_s8, &args);
    args.k = padded;
    args.w = packed;
    args.y = output(1, 2);
    RUN(tested, eq_gemm_s16_s16_s8, &args);
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu k=%zu stride=%zu", m, n, k, stride);
    return compare(sizes, 2);
}

int dwconv_s16(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps) {
    enum { APART = 13, MANY = 600 /* more than a sum of 32 bits holds */ };
    char sizes[80];
    size_t x_at[MANY], w_at[MANY];
    const size_t count = taps == 49 && pixels == 1 ? MANY : taps, step = channels * (size_t)between(1, 2);
    const size_t used = (pixels - 1) * step + channels + APART * MAX_TAPS, last = next() % taps;
    int16_t *x = tail(activation_end, used, 2);
    int8_t *w = tail(weight_end, taps * channels, 1);
    fill_s16(x, used, INT16_MIN, INT16_MAX);
    fill_s8(w, taps * channels, fill_kind & 2);
    for (size_t t = 0; t < count; t++) {
        x_at[t] = APART * (MAX_TAPS - (t + taps - last) % taps); /* tap `last` ends where x does */
        w_at[t] = t % taps * channels;
    }
    struct eq_dwconv_s16_s16_s8 args = {pixels, channels, count, x, x_at, step, w, w_at, fill_rq16(channels), NULL, INT16_MIN, INT16_MAX};
    args.y = output(0, 2);
    fill_ends(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_dwconv_s16_s16_s8, &args);
    args.y = output(1, 2);
    RUN(tested, eq_dwconv_s16_s16_s8, &args);
    snprintf(sizes, sizeof sizes, "pixels=%zu channels=%zu taps=%zu", pixels, channels, count);
    return compare(sizes, 2);
}
