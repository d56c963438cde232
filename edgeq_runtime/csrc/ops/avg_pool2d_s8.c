#include "eq_kernels.h"
#include "pool.h"

enum { TAPS_FEW = 1 << 10, WIDTH = 64 };

static struct eq_window window_of(const struct eq_avg_pool2d_s8_attrs *a) {
    struct eq_window w = {0};
    EQ_POOL_WINDOW(&w, a);
    return w;
}

int eq_prepare_avg_pool2d_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_avg_pool2d_s8_attrs *a = node->attrs;
    struct eq_window w = window_of(a);
    node->kernel = eq_select("sum", "s32_s8_s8", ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    const int status = eq_prepare_pool(&w, node, ctx, EQ_TYPE_s8, a->pad_bottom, a->pad_right);
    if (status != EQ_OK) return status;
    eq_pool_share(node, &w);
    EQ_NEED_SHAPE(eq_is_s8(a->x_zero) && eq_s8_valid(a->y_zero, a->lo, a->hi));
    return eq_pool_check_mean(node, ctx, &w, a->include_pad, EQ_RQ_N_MIN);
}

/* floor((2 acc + c) / (2 c)) as a product: with d = 2 c and v = 2 acc + c + 256 d, 0 < v < 512 d (as |acc| <= 255 c), and reciprocal
 * = floor(2^53 / d) + 1, v reciprocal / 2^53 exceeds v / d by at most v / 2^53 < 1 / d for d <= 2^22: no integer is passed. */
static inline int32_t quotient(int32_t acc, int32_t c, uint64_t reciprocal) {
    const uint64_t v = (uint64_t)(2 * (int64_t)acc + (int64_t)513 * c);
    return (int32_t)((v * reciprocal) >> 53) - 256;
}

/* The same with 2^32 for 2^53, for d <= 2^11: the most that v / 2^32 < 1 / d allows, and no factor has more than 32 bits. */
static inline void finish_few(const int32_t *sum, int32_t zeros, int32_t c, const struct eq_avg_pool2d_s8_attrs *a, size_t width,
                              int8_t *restrict y) {
    const uint32_t reciprocal = (uint32_t)(((uint64_t)1 << 32) / (2 * (uint32_t)c) + 1), more = (uint32_t)(513 * c - 2 * zeros);
    const int16_t zero = (int16_t)(a->y_zero - 256), lo = (int16_t)a->lo, hi = (int16_t)a->hi;
    for (size_t i = 0; i < width; i++) { /* words: baseline x86 has no minimum of 32 bits */
        const uint64_t v = 2 * (uint32_t)sum[i] + more;
        const int16_t q = (int16_t)((int16_t)((v * reciprocal) >> 32) + zero);
        const int16_t low = q < lo ? lo : q;
        y[i] = (int8_t)(low > hi ? hi : low);
    }
}

/* What the pixels of a stretch share. */
struct mean {
    struct eq_mean by;
    int32_t zeros; /* what x_zero takes from every sum */
    struct eq_avg_pool2d_s8_attrs attrs;
};

static struct mean mean_of(const struct eq_cells *cells) {
    const struct eq_avg_pool2d_s8_attrs *attrs = cells->call->node->attrs;
    return (struct mean){.by = eq_pool_mean(cells, attrs->kernel_h * attrs->kernel_w, attrs->include_pad),
                         .zeros = (int32_t)(cells->rows * cells->cols) * attrs->x_zero,
                         .attrs = *attrs};
}

static void finish(const struct mean *mean, const int32_t *sum, size_t width, int8_t *restrict y) {
    const int32_t zeros = mean->zeros, count = mean->by.count, y_zero = mean->attrs.y_zero, lo = mean->attrs.lo, hi = mean->attrs.hi;
    const int32_t m = mean->by.m, n = mean->by.n;
    const uint64_t d = 2 * (uint64_t)count;
    if (mean->by.scaled) {
        for (size_t c = 0; c < width; c++) {
            y[c] = eq_clamp_s8(eq_requantize(sum[c] - zeros, m, n), y_zero, lo, hi);
            EQ_KEEP_SCALAR;
        }
    } else if (count <= TAPS_FEW) {
        finish_few(sum, zeros, count, &mean->attrs, width, y);
    } else {
        const uint64_t reciprocal = ((uint64_t)1 << 53) / d + 1;
        for (size_t c = 0; c < width; c++) {
            y[c] = eq_clamp_s8(quotient(sum[c] - zeros, count, reciprocal), y_zero, lo, hi);
            EQ_KEEP_SCALAR;
        }
    }
}

static void run(const struct eq_cells *cells) {
    const struct mean mean = mean_of(cells);
    const int8_t *x = (const int8_t *)eq_read(cells->call, 0) + cells->in;
    int8_t *y = (int8_t *)eq_write(cells->call, 0) + cells->out;
    const size_t channels = cells->channels;
    int32_t sum[WIDTH];
    struct eq_sum_s32_s8_s8 args = {
        .rows = cells->rows, .cols = cells->cols, .row_step = cells->row_step, .col_step = cells->col_step, .y = sum};
    for (size_t p = 0; p < cells->pixels; p++, x += cells->in_step, y += channels)
        for (size_t c = 0; c < channels; c += args.channels) {
            args.channels = channels - c < WIDTH ? channels - c : WIDTH;
            args.x = x + c;
            ((void (*)(const struct eq_sum_s32_s8_s8 *))cells->call->node->kernel->run)(&args);
            finish(&mean, sum, args.channels, y + c);
        }
}

void eq_run_avg_pool2d_s8(const struct eq_call *call) { eq_run_pool(call, window_of(call->node->attrs), run); }
