#include "pool.h"

static struct eq_window window_of(const struct eq_max_pool2d_s16_attrs *a) {
    struct eq_window w = {0};
    EQ_POOL_WINDOW(&w, a);
    return w;
}

int eq_prepare_max_pool2d_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_max_pool2d_s16_attrs *a = node->attrs;
    struct eq_window w = window_of(a);
    EQ_NEED_SHAPE(eq_s16_valid(a->lo, a->hi));
    const int status = eq_prepare_pool(&w, node, ctx, EQ_TYPE_s16, a->pad_bottom, a->pad_right);
    if (status == EQ_OK) eq_pool_share(node, &w);
    return status;
}

static void larger(int16_t *restrict y, const int16_t *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] > y[i] ? x[i] : y[i];
}

/* The clamp as bounds that each maximum starts from and ends at. */
static void run(const struct eq_cells *cells) {
    const struct eq_max_pool2d_s16_attrs *attrs = cells->call->node->attrs;
    const int16_t lo = (int16_t)attrs->lo, hi = (int16_t)attrs->hi, *x = (const int16_t *)eq_read(cells->call, 0) + cells->in;
    int16_t *y = (int16_t *)eq_write(cells->call, 0) + cells->out;
    const size_t n = cells->channels;
    for (size_t i = 0; i < cells->pixels; i++, x += cells->in_step, y += n) {
        for (size_t c = 0; c < n; c++) y[c] = lo;
        for (size_t r = 0; r < cells->rows; r++)
            for (size_t t = 0; t < cells->cols; t++) larger(y, x + r * cells->row_step + t * cells->col_step, n);
        for (size_t c = 0; c < n; c++) y[c] = y[c] > hi ? hi : y[c];
    }
}

void eq_run_max_pool2d_s16(const struct eq_call *call) { eq_run_pool(call, window_of(call->node->attrs), run); }
