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

/* Both have the same members. */
union args {
    struct eq_gemm_s8_u8_s8 u8;
    struct eq_gemm_s8_s8_s8 s8;
};

static void run_band(const struct eq_kernel *kernel, const union args *args) {
    if (!strcmp(kernel->types, "s8_u8_s8")) RUN(kernel, eq_gemm_s8_u8_s8, &args->u8);
    else RUN(kernel, eq_gemm_s8_s8_s8, &args->s8);
}

int gemm_band(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[96];
    enum { PARTS = 3, MOST_ROWS = 32 };
    const size_t parts = k % PARTS || k > 64 ? 1 : PARTS, part = k / parts, padded = eq_gemm_k(tested, part),
                 step = part + (size_t)between(0, 3);
    const int is_unsigned = !strcmp(tested->types, "s8_u8_s8");
    uint32_t rows[MOST_ROWS];
    int32_t parts_at[PARTS];
    const size_t span = (m - 1) * step, used = span + (parts - 1) * padded + padded;
    uint8_t *a = tail(activation_end, used, 1);
    int8_t *w = tail(weight_end, n * k, 1);
    fill_s8((int8_t *)a, used, fill_kind & 1);
    if (is_unsigned)
        for (size_t i = 0; i < used; i++) a[i] ^= 0x80;
    for (size_t i = 0; i < m; i++) rows[i] = (uint32_t)(step * ((i + 1) % m));
    for (size_t i = 0; i < parts; i++) parts_at[i] = (int32_t)(padded * (parts - 1 - i));
    fill_s8(w, n * k, fill_kind & 2);
    if (next() % 2)
        for (size_t i = 0; i < n * k; i++) w[i] = (int8_t)(w[i] == -128 ? -127 : w[i]);
    const int32_t w_zero = next() % 3 ? 0 : between(0, 1) ? between(-128, 127) : extreme(!(fill_kind & 2), -128, 127);
    int8_t *packed = (int8_t *)packed_end - eq_gemm_s8_bytes(tested, n, parts, part);
    const size_t channels = eq_gemm_s8_channels(tested, n);
    void *memory = packed - eq_gemm_s8_head_bytes(channels, 0);
    const struct eq_rq rq = fill_rq(n);
    const struct eq_weights weights = {.data = (uint8_t *)w, .times = 1, .zero = w_zero, .type = EQ_TYPE_s8, .rq = rq};
    const struct eq_matrix matrix = {&weights, 0, 0, n, parts, part, k, part, 1};
    eq_gemm_s8_pack(tested, &matrix, packed);
    eq_gemm_s8_heads(tested, &matrix, 0, memory);
    const struct eq_gemm_s8_heads p = eq_gemm_s8_heads_in(channels, memory);
    union args args = {.u8 = {.m = m,
                              .n = n,
                              .parts = parts,
                              .k = part,
                              .a = a,
                              .rows = rows,
                              .parts_at = parts_at,
                              .w = w,
                              .rq = rq,
                              .y = output(0, 1),
                              .y_stride = n + skew,
                              .w_zero = w_zero,
                              .y_zero = between(-128, 127),
                              .lo = -128,
                              .hi = 127,
                              .w_lowest = *p.w_lowest,
                              .n_lowest = *p.n_lowest}};
    fill_clamp(&args.u8.lo, &args.u8.hi);
    prepare_outputs();
    run_band(portable, &args);
    args.u8.a = fill_rows(a, rows, parts_at, parts, part, m, 0);
    args.u8.w = packed;
    args.u8.rq = (struct eq_rq){p.bias, p.m, p.n};
    args.u8.y = output(1, 1);
    run_band(tested, &args);
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu parts=%zu k=%zu step=%zu w_zero=%d", m, n, parts, part, step, (int)w_zero);
    return compare(sizes, 1);
}
