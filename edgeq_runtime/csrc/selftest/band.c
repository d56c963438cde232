/* Rows of bytes, with weights of every width. */
#include "selftest.h"

enum { MOST_ROWS = 32, PARTS = 3 };

/* All kernels of one kind of rows have the same members. */
union args {
    struct eq_gemm_s8_u8_s4 u8;
    struct eq_gemm_s8_s8_s4 s8;
};

static int is_unsigned(const struct eq_kernel *kernel) { return !strncmp(kernel->types, "s8_u8_", 6); }

static void run_band(const struct eq_kernel *kernel, const union args *args) {
    if (is_unsigned(kernel)) RUN(kernel, eq_gemm_s8_u8_s4, &args->u8);
    else RUN(kernel, eq_gemm_s8_s8_s4, &args->s8);
}

/* From the neutral layout to what the tested kernel reads, up to the end of memory. */
static void packed(union args *args, const struct eq_matrix *matrix) {
    const size_t bytes = eq_gemm_s8_bytes(tested, matrix->n, matrix->parts, matrix->part),
                 channels = eq_gemm_s8_channels(tested, matrix->n);
    const struct eq_weights *w = matrix->w;
    const size_t groups = w->group ? matrix->parts * ((matrix->part + w->group - 1) / w->group) : 0;
    int8_t *planes = (int8_t *)packed_end - (w->low ? 2 : 1) * bytes;
    void *memory = planes - eq_gemm_s8_head_bytes(channels, groups);
    eq_gemm_s8_pack(tested, matrix, planes);
    if (w->low) eq_gemm_s8_pack_low(tested, matrix, planes + bytes);
    eq_gemm_s8_heads(tested, matrix, 0, memory);
    const struct eq_gemm_s8_heads h = eq_gemm_s8_heads_in(channels, memory);
    args->u8.w = planes;
    if (w->low) args->u8.low = (uint8_t *)planes + bytes;
    args->u8.rq = (struct eq_rq){h.bias, h.m, h.n};
    args->u8.w_lowest = *h.w_lowest;
    args->u8.n_lowest = *h.n_lowest;
    if (w->group) args->u8.multipliers = h.multipliers;
}

int gemm_band(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[128];
    const size_t parts = k % PARTS || k > 200 ? 1 : PARTS, part = k / parts, padded = eq_gemm_k(tested, part),
                 step = part + (size_t)between(0, 3);
    uint32_t rows[MOST_ROWS];
    int32_t parts_at[PARTS];
    const size_t used = (m - 1) * step + parts * padded;
    uint8_t *a = tail(activation_end, used, 1);
    fill_s8((int8_t *)a, used, fill_kind & 1);
    for (size_t i = 0; i < used && is_unsigned(tested); i++) a[i] ^= 0x80;
    for (size_t i = 0; i < m; i++) rows[i] = (uint32_t)(step * ((i + 1) % m));
    for (size_t i = 0; i < parts; i++) parts_at[i] = (int32_t)(padded * (parts - 1 - i));
    const struct eq_weights w = fill_weights(n, parts, part);
    const struct eq_matrix matrix = {&w, 0, 0, n, parts, part, k, part, 1};
    union args args = {.u8 = {.m = m,
                              .n = n,
                              .parts = parts,
                              .k = part,
                              .a = a,
                              .rows = rows,
                              .parts_at = parts_at,
                              .w = (const int8_t *)w.data,
                              .rq = w.rq,
                              .y = output(0, 1),
                              .y_stride = n + skew,
                              .w_zero = w.zero,
                              .y_zero = between(-128, 127),
                              .lo = -128,
                              .hi = 127,
                              .low = w.low,
                              .multipliers = w.multipliers,
                              .group = w.group,
                              .up = w.times == 1 ? 0 : 4}};
    fill_clamp(&args.u8.lo, &args.u8.hi);
    prepare_outputs();
    run_band(portable, &args);
    if (tested->kr) packed(&args, &matrix);
    args.u8.a = fill_rows(a, rows, parts_at, parts, part, m, 0);
    args.u8.y = output(1, 1);
    run_band(tested, &args);
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu parts=%zu k=%zu step=%zu w_zero=%d group=%zu up=%d", m, n, parts, part, step, (int)w.zero,
             w.group, (int)args.u8.up);
    return compare(sizes, 1);
}
