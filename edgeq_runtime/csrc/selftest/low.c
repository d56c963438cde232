/* Weights of less than a byte, for rows of 16 bits and depthwise. */
#include "selftest.h"

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

/* Without the lowest half of the time: kernels have a short way for them. */
static struct eq_weights whole_weights(size_t n, size_t k) {
    int8_t *w = tail(weight_end, n * k, 1);
    fill_s8(w, n * k, fill_kind & 2);
    if (next() % 2)
        for (size_t i = 0; i < n * k; i++) w[i] = (int8_t)(w[i] == -128 ? -127 : w[i]);
    return (struct eq_weights){
        .data = (uint8_t *)w, .times = 1, .zero = weight_zero(), .type = EQ_TYPE_s8, .count = n * k, .rq = fill_rq(n)};
}

struct eq_weights fill_weights(size_t n, size_t parts, size_t part) {
    static const size_t sizes[] = {32, 64, 128};
    const int bits = eq_weight_bits(tested);
    if (bits == 8) return whole_weights(n, parts * part);
    const size_t bytes = (n * parts * part * (size_t)bits + 7) / 8;
    struct eq_weights w = {.depth = part, .times = 1, .type = type_of(tested), .count = n * parts * part};
    uint8_t *first = fill_fields(weight_end, 2 * bytes, bits);
    w.data = first;
    w.rq = fill_rq(n);
    if (strstr(tested->types, "x2")) {
        w.low = first + bytes;
        for (size_t i = 0; i < bytes; i++)
            first[i] = (uint8_t)(first[i] | (first[i] >> 4 == 8) << 4 | ((first[i] & 15) == 8)); /* no high plane holds -8 */
    } else if (bits == 4 && next() % 4 == 0) w.times = 16;
    const size_t size = sizes[next() % COUNT(sizes)], count = n * parts * ((part + size - 1) / size);
    const int never = bits == 1 || w.low || w.times != 1 || (tested->kr && !strncmp(tested->types, "s8_s16_", 7));
    if (never || part <= size || next() % 2) return w;
    uint8_t *multipliers = params_end - ROOM / 2 + 64;
    for (size_t i = 0; i < count; i++) multipliers[i] = (uint8_t)(fill_kind < 2 ? between(1, 127) : extreme(fill_kind & 1, 1, 127));
    w.multipliers = multipliers;
    w.group = size;
    return w;
}

int gemm_low_wide(const struct eq_kernel *portable, size_t m, size_t n, size_t k) {
    char sizes[80];
    enum { PARTS = 3 };
    const size_t taps = k % PARTS || k > 200 ? 1 : PARTS, padded = eq_gemm_k(tested, k);
    int16_t *a = tail(activation_end, m * padded, 2);
    fill_s16(a, m * padded, -255, 255);
    for (size_t i = 0; i < m; i++) memset(a + i * padded + k, 0, (padded - k) * sizeof *a);
    const struct eq_weights w = fill_weights(n, taps, k / taps);
    struct eq_gemm_s8_s16_s4 args = {.m = m,
                                     .n = n,
                                     .k = k,
                                     .a = a,
                                     .a_stride = padded,
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
    if (tested->kr) {
        const struct eq_matrix matrix = {&w, 0, 0, n, 1, k, k, k, 1};
        int8_t *packed = (int8_t *)packed_end - eq_gemm_s8_bytes(tested, n, 1, k);
        eq_gemm_s8_pack(tested, &matrix, packed);
        args.w = (const uint8_t *)packed;
        args.k = padded;
    }
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
    struct eq_weights w = fill_weights(channels, taps, 1);
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
