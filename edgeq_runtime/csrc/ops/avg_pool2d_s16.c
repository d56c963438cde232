#include "pool.h"

enum { WIDTH = 64 };

static struct eq_window window_of(const struct eq_avg_pool2d_s16_attrs *a) {
    struct eq_window w = {0};
    EQ_POOL_WINDOW(&w, a);
    return w;
}

int eq_prepare_avg_pool2d_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_avg_pool2d_s16_attrs *a = node->attrs;
    struct eq_window w = window_of(a);
    const int status = eq_prepare_pool(&w, node, ctx, EQ_TYPE_s16, a->pad_bottom, a->pad_right);
    if (status != EQ_OK) return status;
    eq_pool_share(node, &w);
    EQ_NEED_SHAPE(eq_s16_valid(a->lo, a->hi));
    return eq_pool_check_mean(node, ctx, &w, a->include_pad, EQ_RQ16_N_MIN);
}

static void sum(const struct eq_cells *cells, const int16_t *x, size_t width, int64_t *restrict acc) {
    memset(acc, 0, width * sizeof *acc);
    for (size_t r = 0; r < cells->rows; r++)
        for (size_t t = 0; t < cells->cols; t++) {
            const int16_t *tap = x + r * cells->row_step + t * cells->col_step;
            for (size_t c = 0; c < width; c++) acc[c] += tap[c];
        }
}

/* |acc| <= 2^15 count, so that the quotient with 2^15 added is of a positive number. */
static int64_t quotient(int64_t acc, int64_t count) {
    return (int64_t)((uint64_t)(2 * acc + count + 2 * count * -INT16_MIN) / (uint64_t)(2 * count)) + INT16_MIN;
}

static void run(const struct eq_cells *cells) {
    const struct eq_avg_pool2d_s16_attrs *a = cells->call->node->attrs;
    const struct eq_mean mean = eq_pool_mean(cells, a->kernel_h * a->kernel_w, a->include_pad);
    const int16_t *x = (const int16_t *)eq_read(cells->call, 0) + cells->in;
    int16_t *y = (int16_t *)eq_write(cells->call, 0) + cells->out;
    int64_t acc[WIDTH];
    for (size_t p = 0; p < cells->pixels; p++, x += cells->in_step, y += cells->channels)
        for (size_t first = 0; first < cells->channels; first += WIDTH) {
            const size_t width = cells->channels - first < WIDTH ? cells->channels - first : WIDTH;
            sum(cells, x + first, width, acc);
            for (size_t c = 0; c < width; c++) {
                const int64_t v = mean.scaled ? eq_requantize_wide(acc[c], mean.m, mean.n) : quotient(acc[c], mean.count);
                y[first + c] = eq_clamp_s16(v, a->lo, a->hi);
            }
        }
}

void eq_run_avg_pool2d_s16(const struct eq_call *call) { eq_run_pool(call, window_of(call->node->attrs), run); }
