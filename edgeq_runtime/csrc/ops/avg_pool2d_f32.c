#include "pool.h"

static struct eq_window window_of(const struct eq_avg_pool2d_f32_attrs *a) {
    struct eq_window w = {0};
    EQ_POOL_WINDOW(&w, a);
    return w;
}

int eq_prepare_avg_pool2d_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_avg_pool2d_f32_attrs *a = node->attrs;
    struct eq_window w = window_of(a);
    EQ_NEED_SHAPE((a->include_pad == 0 || a->include_pad == 1) && a->lo <= a->hi);
    return eq_prepare_pool(&w, node, ctx, EQ_TYPE_f32, a->pad_bottom, a->pad_right);
}

static void add_to(float *restrict y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

static void run(const struct eq_cells *cells) {
    const struct eq_avg_pool2d_f32_attrs *attrs = cells->call->node->attrs;
    const size_t n = cells->channels, valid = cells->rows * cells->cols;
    const size_t taps = attrs->include_pad ? (size_t)attrs->kernel_h * (size_t)attrs->kernel_w : valid > 0 ? valid : 1;
    const float count = (float)taps, lo = attrs->lo, hi = attrs->hi;
    const float *x = (const float *)eq_read(cells->call, 0) + cells->in;
    float *restrict y = (float *)eq_write(cells->call, 0) + cells->out;
    for (size_t p = 0; p < cells->pixels; p++, x += cells->in_step, y += n) {
        for (size_t i = 0; i < n; i++) y[i] = 0.0f;
        for (size_t r = 0; r < cells->rows; r++) {
            for (size_t c = 0; c < cells->cols; c++) add_to(y, x + r * cells->row_step + c * cells->col_step, n);
        }
        for (size_t i = 0; i < n; i++) y[i] = eq_clamp_f32(y[i] / count, lo, hi);
    }
}

void eq_run_avg_pool2d_f32(const struct eq_call *call) { eq_run_pool(call, window_of(call->node->attrs), run); }
