/* Weights of less than a byte, in rows of bytes and of 16 bits. */
#include "selftest.h"

enum { MOST_ROWS = 32, PARTS = 3 };

static int type_of(const struct eq_kernel *kernel) {
    switch (eq_weight_bits(kernel)) {
    case 1:
        return EQ_TYPE_b1;
    case 2:
        return EQ_TYPE_s2;
    default:
        return EQ_TYPE_s4;
    }
}

/* `bytes` bytes whose fields are random, or all of one extreme. */
static uint8_t *fill_fields(uint8_t *end, size_t bytes, int bits) {
    static const uint8_t lowest[] = {0, 0xff, 0xaa, 0, 0x88}, highest[] = {0, 0, 0x55, 0, 0x77};
    uint8_t *w = tail(end, bytes, 1);
    for (size_t i = 0; i < bytes; i++)
        w[i] = fill_kind < 2 || fill_kind == TIES ? (uint8_t)(next() >> 24) : fill_kind & 2 ? highest[bits] : lowest[bits];
    return w;
}

/* Weights of an [n][k] matrix; groups of inputs where a kernel may have them. */
static struct eq_weights weights(size_t n, size_t parts, size_t part) {
    static const size_t sizes[] = {32, 64, 128};
    const int bits = eq_weight_bits(tested);
    const size_t bytes = (n * parts * part * (size_t)bits + 7) / 8;
    struct eq_weights w = {.depth = part, .times = 1, .type = type_of(tested), .count = n * parts * part};
    uint8_t *first = fill_fields(weight_end, 2 * bytes, bits);
    w.data = first;
    w.rq = fill_rq(n);
    if (strstr(tested->types, "x2")) {
        w.low = first + bytes;
        for (size_t i = 0; i < bytes; i++) first[i] |= (first[i] >> 4 == 8) << 4 | ((first[i] & 15) == 8); /* no high plane holds -8 */
    } else if (bits == 4 && next() % 4 == 0) w.times = 16;
    const size_t size = sizes[next() % COUNT(sizes)], count = n * parts * ((part + size - 1) / size);
    if (bits == 1 || w.low || w.times != 1 || part <= size || next() % 2) return w;
    uint8_t *multipliers = params_end - ROOM / 2 + 64;
    for (size_t i = 0; i < count; i++) multipliers[i] = (uint8_t)(fill_kind < 2 ? between(1, 127) : extreme(fill_kind & 1, 1, 127));
    w.multipliers = multipliers;
    w.group = size;
    return w;
}

/* All kernels of one kind of rows have the same members. */
union args {
    struct eq_gemm_s8_u8_s4 u8;
    struct eq_gemm_s8_s8_s4 s8;
};

static void run_band(const struct eq_kernel *kernel, const union args *args) {
    if (!strncmp(kernel->types, "s8_u8_", 6)) RUN(kernel, eq_gemm_s8_u8_s4, &args->u8);
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

int gemm_low(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[128];
    const size_t parts = k % PARTS || k > 200 ? 1 : PARTS, part = k / parts, padded = eq_gemm_k(tested, part),
                 step = part + (size_t)between(0, 3);
    uint32_t rows[MOST_ROWS];
    int32_t parts_at[PARTS];
    const size_t used = (m - 1) * step + parts * padded;
    uint8_t *a = tail(activation_end, used, 1);
    fill_s8((int8_t *)a, used, fill_kind & 1);
    for (size_t i = 0; i < m; i++) rows[i] = (uint32_t)(step * ((i + 1) % m));
    for (size_t i = 0; i < parts; i++) parts_at[i] = (int32_t)(padded * (parts - 1 - i));
    const struct eq_weights w = weights(n, parts, part);
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
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu parts=%zu k=%zu step=%zu group=%zu up=%d", m, n, parts, part, step, w.group,
             (int)args.u8.up);
    return compare(sizes, 1);
}

int gemm_low_wide(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[80];
    const size_t taps = k % PARTS || k > 200 ? 1 : PARTS;
    int16_t *a = tail(activation_end, m * k, 2);
    fill_s16(a, m * k, -255, 255);
    const struct eq_weights w = weights(n, taps, k / taps);
    struct eq_gemm_s8_s16_s4 args = {.m = m,
                                     .n = n,
                                     .k = k,
                                     .a = a,
                                     .a_stride = k,
                                     .w = w.data,
                                     .depth = w.depth,
                                     .rq = w.rq,
                                     .y = output(0, 1),
                                     .y_stride = n + skew,
                                     .y_zero = between(-128, 127),
                                     .lo = -128,
                                     .hi = 127,
                                     .low = w.low,
                                     .multipliers = w.multipliers,
                                     .group = w.group,
                                     .up = w.times == 1 ? 0 : 4};
    fill_clamp(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_gemm_s8_s16_s4, &args);
    args.y = output(1, 1);
    RUN(tested, eq_gemm_s8_s16_s4, &args);
    snprintf(sizes, sizeof sizes, "m=%zu n=%zu k=%zu group=%zu up=%d", m, n, k, w.group, (int)args.up);
    return compare(sizes, 1);
}

int dwconv_low(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps) {
    char sizes[80];
    struct eq_stretch_s8 stretch = {pixels, NULL, output(0, 1)};
    const int8_t *x[MAX_TAPS], *first = tail(activation_end, pixels * channels + taps, 1);
    fill_s8((int8_t *)(uintptr_t)first, pixels * channels + taps, fill_kind & 1);
    for (size_t t = 0; t < taps; t++) x[t] = first + t;
    stretch.x = x;
    struct eq_weights w = weights(channels, taps, 1);
    struct eq_dwconv_s8_s8_s4 args = {.count = 1,
                                      .channels = channels,
                                      .taps = taps,
                                      .stretches = &stretch,
                                      .x_step = channels,
                                      .w = w.data,
                                      .rq = w.rq,
                                      .x_zero = between(-128, 127),
                                      .y_zero = between(-128, 127),
                                      .lo = -128,
                                      .hi = 127,
                                      .low = w.low,
                                      .up = w.times == 1 ? 0 : 4};
    fill_clamp(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_dwconv_s8_s8_s4, &args);
    stretch.y = output(1, 1);
    RUN(tested, eq_dwconv_s8_s8_s4, &args);
    snprintf(sizes, sizeof sizes, "pixels=%zu channels=%zu taps=%zu up=%d", pixels, channels, taps, (int)args.up);
    return compare(sizes, 1);
}
