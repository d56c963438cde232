#include "selftest.h"

int dwconv_s8(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps) {
    char sizes[80];
    const int8_t *x[MAX_TAPS], *single[MAX_TAPS];
    const size_t step = channels * (size_t)between(1, 2), stretch = (pixels - 1) * step + channels;
    int8_t *first = tail(activation_end, stretch + 13 * taps, 1), *w = tail(weight_end, taps * channels, 1);
    fill_s8(first, stretch + 13 * taps, fill_kind & 1);
    fill_s8(w, taps * channels, fill_kind & 2);
    const size_t last = next() % taps; /* the tap that ends at the guard */
    for (size_t t = 0; t < taps; t++) {
        x[t] = first + 13 * (taps - (t + taps - last) % taps);
        single[t] = first + stretch + 13 * taps - channels - t;
    }
    const struct eq_stretch_s8 want[] = {{pixels, x, output(0, 1)}, {1, single, (int8_t *)output(0, 1) + pixels * channels + 5}};
    const struct eq_stretch_s8 got[] = {{pixels, x, output(1, 1)}, {1, single, (int8_t *)output(1, 1) + pixels * channels + 5}};
    struct eq_dwconv_s8_s8_s8 args = {.count = (size_t)between(1, 2),
                                      .channels = channels,
                                      .taps = taps,
                                      .stretches = want,
                                      .x_step = step,
                                      .w = w,
                                      .rq = fill_rq(channels),
                                      .x_zero = extreme(!(fill_kind & 1), -128, 127),
                                      .y_zero = between(-128, 127),
                                      .lo = -128,
                                      .hi = 127};
    if (fill_kind < 2) args.x_zero = between(-128, 127);
    if (fill_kind == TIES) args.x_zero = between(-1, 1);
    args.w_zero = weight_zero();
    fill_clamp(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_dwconv_s8_s8_s8, &args);
    if (tested->kr) {
        int16_t *packed = tail(packed_end, eq_dwconv_pack_bytes(tested, taps, channels) / 2, 2);
        const struct eq_weights weights = {.data = (uint8_t *)w, .times = 1, .zero = args.w_zero, .type = EQ_TYPE_s8};
        eq_dwconv_pack(tested, taps, channels, &weights, packed);
        args.w = packed;
    }
    args.stretches = got;
    RUN(tested, eq_dwconv_s8_s8_s8, &args);
    snprintf(sizes, sizeof sizes, "pixels=%zu channels=%zu taps=%zu x_zero=%d w_zero=%d", pixels, channels, taps, (int)args.x_zero,
             (int)args.w_zero);
    return compare(sizes, 1);
}

/* A window of `taps` as high as it is wide or nearly so, over lines that end at the guard. */
int dwconv_lines(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps) {
    enum { MOST_ROWS = 3, MOST_LINES = 32 };
    char sizes[160];
    const int8_t *lines[MOST_LINES];
    if (channels <= 64 && next() % 16 == 0) pixels = (size_t)between(60, 100); /* more than a kernel may take at once */
    const size_t kw = taps == 25 ? 5 : taps == 49 ? 7 : taps % 3 == 0 && next() % 4 ? 3 : taps % 2 ? 1 : 2, kh = taps / kw;
    struct eq_dwconv_s8_u8_s8 args = {(size_t)between(1, MOST_ROWS),
                                      pixels,
                                      channels,
                                      kh,
                                      kw,
                                      lines,
                                      0,
                                      1,
                                      1,
                                      1,
                                      1,
                                      0,
                                      NULL,
                                      {NULL, NULL, NULL},
                                      output(0, 1),
                                      between(-128, 127),
                                      weight_zero(),
                                      between(-128, 127),
                                      -128,
                                      127};
    args.stride_h = args.stride_w = (size_t)between(1, 2);
    if (next() % 4 == 0) args.stride_h = 3 - args.stride_w;
    if (next() % 4 == 0) args.dilation_h = args.dilation_w = 2;
    const size_t reach = (pixels - 1) * args.stride_w + (kw - 1) * args.dilation_w + 1;
    const size_t count = (args.rows - 1) * args.stride_h + (kh - 1) * args.dilation_h + 1, nothing = kw * args.dilation_w;
    args.pad_left = next() % 2 ? (size_t)between(0, (int32_t)nothing) : 0;
    args.columns = reach > args.pad_left ? reach - args.pad_left : 1;
    if (next() % 2) args.columns = (size_t)between(1, (int32_t)args.columns + 3);
    const size_t line = args.columns * channels;
    int8_t *x = tail(activation_end, line + 13 * count, 1), *w = tail(weight_end, taps * channels, 1);
    fill_s8(x, line + 13 * count, fill_kind & 1);
    fill_s8(w, taps * channels, fill_kind & 2);
    for (size_t i = 0; i < count; i++) lines[i] = x + 13 * (i + 1); /* the last one ends at the guard */
    const struct eq_rq rq = fill_rq(channels);
    fill_clamp(&args.lo, &args.hi);
    if (fill_kind == TIES) args.x_zero = between(-1, 1);
    args.w = w;
    args.rq = rq;
    prepare_outputs();
    RUN(portable, eq_dwconv_s8_u8_s8, &args);
    if (tested->kr) {
        int8_t *packed = (int8_t *)packed_end - eq_gemm_s8_bytes(tested, channels, kw, kh);
        const size_t padded = eq_gemm_s8_channels(tested, channels);
        void *memory = packed - eq_gemm_s8_head_bytes(padded, 0);
        const struct eq_weights weights = {.data = (uint8_t *)w, .times = 1, .zero = args.w_zero, .type = EQ_TYPE_s8, .rq = rq};
        const struct eq_matrix matrix = {&weights, 0, 0, channels, kw, kh, 1, channels, kw * channels};
        eq_gemm_s8_pack(tested, &matrix, packed);
        eq_gemm_s8_heads(tested, &matrix, args.x_zero - INT8_MIN, memory);
        const struct eq_gemm_s8_heads p = eq_gemm_s8_heads_in(padded, memory);
        args.w = packed;
        args.rq = (struct eq_rq){p.bias, p.m, p.n};
    }
    args.y = output(1, 1);
    RUN(tested, eq_dwconv_s8_u8_s8, &args);
    snprintf(sizes, sizeof sizes, "rows=%zu pixels=%zu channels=%zu %zux%zu stride=%zux%zu dilation=%zu pad=%zu columns=%zu w_zero=%d",
             args.rows, pixels, channels, kh, kw, args.stride_h, args.stride_w, args.dilation_w, args.pad_left, args.columns,
             (int)args.w_zero);
    return compare(sizes, 1);
}
