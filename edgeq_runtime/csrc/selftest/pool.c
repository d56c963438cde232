#include "selftest.h"

/* A window that is nearly square, or a row of it, over pixels that end at the guard. */
struct window {
    size_t rows, cols, row_step, col_step, used;
};

static struct window window_of(size_t channels, size_t taps, size_t reach) {
    struct window w = {.rows = taps == 9 ? 3 : taps == 25 ? 5 : taps == 49 ? 7 : 1};
    w.cols = taps / w.rows;
    w.col_step = channels * (size_t)between(1, 2);
    w.row_step = w.cols * w.col_step + reach + (size_t)between(0, 3);
    w.used = (w.rows - 1) * w.row_step + (w.cols - 1) * w.col_step + reach + channels;
    return w;
}

int maxpool_s8(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps) {
    char sizes[96];
    const size_t step = channels * (size_t)between(1, 2);
    const struct window w = window_of(channels, taps, (pixels - 1) * step);
    int8_t *x = tail(activation_end, w.used, 1);
    fill_s8(x, w.used, fill_kind & 1);
    if (next() % 2) /* one that is the largest, or the smallest, of many alike */
        x[next() % w.used] = (int8_t)between(-128, 127);
    const size_t rows = next() % 16 ? w.rows : 0;
    struct eq_maxpool_s8_s8_s8 args = {pixels, channels, rows, rows ? w.cols : 0, w.row_step, w.col_step, step, x, output(0, 1), -128, 127};
    fill_clamp(&args.lo, &args.hi);
    prepare_outputs();
    RUN(portable, eq_maxpool_s8_s8_s8, &args);
    args.y = output(1, 1);
    RUN(tested, eq_maxpool_s8_s8_s8, &args);
    snprintf(sizes, sizeof sizes, "pixels=%zu channels=%zu %zux%zu step=%zu", pixels, channels, args.rows, args.cols, step);
    return compare(sizes, 1);
}

/* pixels: with 9 of them, more taps than fit in 16 bits. */
int sum_s8(const struct eq_kernel *portable, size_t pixels, size_t channels, size_t taps) {
    char sizes[64];
    struct window w = window_of(channels, taps, 0);
    if (pixels == 9 && w.rows == 1) {
        w.cols = 255 * (1 + taps % 2) + taps % 3;
        w.col_step = channels;
        w.used = w.cols * channels;
    }
    int8_t *x = tail(activation_end, w.used, 1);
    fill_s8(x, w.used, fill_kind & 1);
    struct eq_sum_s32_s8_s8 args = {channels, w.rows, w.cols, w.row_step, w.col_step, x, output(0, 4)};
    prepare_outputs();
    RUN(portable, eq_sum_s32_s8_s8, &args);
    args.y = output(1, 4);
    RUN(tested, eq_sum_s32_s8_s8, &args);
    snprintf(sizes, sizeof sizes, "channels=%zu %zux%zu", channels, args.rows, args.cols);
    return compare(sizes, 1);
}
