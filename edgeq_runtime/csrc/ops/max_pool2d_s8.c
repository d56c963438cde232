#include "eq_kernels.h"
#include "pool.h"

static struct eq_window window_of(const struct eq_max_pool2d_s8_attrs *a) {
    struct eq_window w = {0};
    EQ_POOL_WINDOW(&w, a);
    return w;
}

int eq_prepare_max_pool2d_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_max_pool2d_s8_attrs *a = node->attrs;
    struct eq_window w = window_of(a);
    EQ_NEED_SHAPE(eq_s8_valid(0, a->lo, a->hi));
    node->kernel = eq_select("maxpool", "s8_s8_s8", ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    const int status = eq_prepare_pool(&w, node, ctx, EQ_TYPE_s8, a->pad_bottom, a->pad_right);
    if (status == EQ_OK) eq_pool_share(node, &w);
    return status;
}

/* At stride 1 the channels of all pixels are one stretch. */
static void run(const struct eq_cells *cells) {
    const struct eq_max_pool2d_s8_attrs *attrs = cells->call->node->attrs;
    const bool joined = cells->in_step == cells->channels;
    const struct eq_maxpool_s8_s8_s8 args = {.pixels = joined ? 1 : cells->pixels,
                                             .channels = joined ? cells->pixels * cells->channels : cells->channels,
                                             .rows = cells->rows,
                                             .cols = cells->cols,
                                             .row_step = cells->row_step,
                                             .col_step = cells->col_step,
                                             .x_step = cells->in_step,
                                             .x = (const int8_t *)eq_read(cells->call, 0) + cells->in,
                                             .y = (int8_t *)eq_write(cells->call, 0) + cells->out,
                                             .lo = attrs->lo,
                                             .hi = attrs->hi};
    ((void (*)(const struct eq_maxpool_s8_s8_s8 *))cells->call->node->kernel->run)(&args);
}

void eq_run_max_pool2d_s8(const struct eq_call *call) { eq_run_pool(call, window_of(call->node->attrs), run); }
