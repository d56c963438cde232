#include "pool.h"
#include <math.h>

static struct eq_window window_of(const struct eq_max_pool2d_f32_attrs *a) {
    struct eq_window w = {0};
    EQ_POOL_WINDOW(&w, a);
    return w;
}

int eq_prepare_max_pool2d_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_max_pool2d_f32_attrs *a = node->attrs;
    struct eq_window w = window_of(a);
    EQ_NEED_SHAPE(a->lo <= a->hi);
    return eq_prepare_pool(&w, node, ctx, EQ_TYPE_f32, a->pad_bottom, a->pad_right);
}

static void raise_to(float *restrict y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] > y[i] ? x[i] : y[i];
}

static void run(const struct eq_cells *cells) {
    const struct eq_max_pool2d_f32_attrs *attrs = cells->call->node->attrs;
    const size_t n = cells->channels;
    const float lo = attrs->lo, hi = attrs->hi, *x = (const float *)eq_read(cells->call, 0) + cells->in;
    float *restrict y = (float *)eq_write(cells->call, 0) + cells->out;
    for (size_t p = 0; p < cells->pixels; p++, x += cells->in_step, y += n) {
        for (size_t i = 0; i < n; i++) y[i] = -INFINITY;
        for (size_t r = 0; r < cells->rows; r++) {
            for (size_t c = 0; c < cells->cols; c++) raise_to(y, x + r * cells->row_step + c * cells->col_step, n);
        }
        for (size_t i = 0; i < n; i++) y[i] = y[i] < lo ? lo : y[i] > hi ? hi : y[i];
    }
}

void eq_run_max_pool2d_f32(const struct eq_call *call) { eq_run_pool(call, window_of(call->node->attrs), run); }
