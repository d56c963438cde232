#include "pool.h"

enum { KERNEL_MAX = 1 << 24, TAPS_MAX = 1 << 21 /* of an average: in int8 |2 acc + c| stays in int32 */ };

int eq_prepare_pool(struct eq_window *w, const struct eq_node *node, const struct eq_prepare *ctx, int type, eq_dim pad_bottom,
                    eq_dim pad_right) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED_SHAPE(node->output_count == 1);
    EQ_NEED_TYPE(x, type);
    EQ_NEED_TYPE(y, type);
    const int status = eq_window_images(w, x, y);
    if (status != EQ_OK) return status;
    EQ_NEED_SHAPE(w->ic == w->oc && w->kh >= 1 && w->kh <= KERNEL_MAX && w->kw >= 1 && w->kw <= KERNEL_MAX);
    return eq_window_check(w, pad_bottom, pad_right);
}

struct span {
    eq_dim first, count; /* taps */
};

/* The taps of an axis of `size`, `dilation` apart, tap 0 at `origin`, that lie inside. */
static struct span inside(eq_dim origin, eq_dim dilation, eq_dim kernel, eq_dim size) {
    const eq_dim first = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
    const eq_dim fit = origin < size ? (size - 1 - origin) / dilation + 1 : 0;
    const eq_dim end = fit < kernel ? fit : kernel;
    return (struct span){first, end > first ? end - first : 0};
}

void eq_pool_share(struct eq_node *node, const struct eq_window *w) {
    node->units = eq_units((uint64_t)eq_window_pixels(w) * (uint64_t)w->oc * eq_window_taps(w), eq_window_rows(w));
}

static bool pairs_valid(const struct eq_tensor *rq, size_t taps, int32_t n_least) {
    if (!eq_is_table(rq, EQ_TYPE_u8, 5 * taps)) return false;
    const int32_t *m = (const void *)rq->data;
    const int8_t *n = (const void *)(rq->data + 4 * taps);
    for (size_t i = 0; i < taps; i++) {
        if (!eq_rq_valid(m[i], n[i]) || n[i] < n_least) return false;
    }
    return true;
}

int eq_pool_check_mean(const struct eq_node *node, const struct eq_prepare *ctx, const struct eq_window *w, int32_t include_pad,
                       int32_t n_least) {
    EQ_NEED_SHAPE((include_pad == 0 || include_pad == 1) && w->kh * w->kw <= TAPS_MAX);
    EQ_NEED_SHAPE(node->input_count < 2 || pairs_valid(eq_in(node, ctx->tensors, 1), eq_window_taps(w), n_least));
    return EQ_OK;
}

struct eq_mean eq_pool_mean(const struct eq_cells *cells, int32_t area, int32_t include_pad) {
    const int32_t valid = (int32_t)(cells->rows * cells->cols);
    struct eq_mean mean = {.count = include_pad ? area : valid > 0 ? valid : 1, .scaled = cells->call->node->input_count > 1};
    if (mean.scaled) {
        const int32_t *rq = eq_read(cells->call, 1);
        mean.m = rq[mean.count - 1];
        mean.n = ((const int8_t *)(rq + area))[mean.count - 1];
    }
    return mean;
}

/* The columns whose windows lie inside as one, each of the others alone. */
static void row_of(struct eq_cells *cells, const struct eq_window *w, size_t image, eq_dim oy, void (*run)(const struct eq_cells *)) {
    const eq_dim top = oy * w->stride_h - w->pad_top;
    const struct span ys = inside(top, w->dilation_h, w->kh, w->ih);
    eq_dim first, end;
    eq_window_inner(w, &first, &end);
    for (eq_dim ox = 0; ox < w->ow; ox += (eq_dim)cells->pixels) {
        const eq_dim left = ox * w->stride_w - w->pad_left;
        const struct span xs = inside(left, w->dilation_w, w->kw, w->iw);
        cells->pixels = ox == first && end > first ? (size_t)(end - first) : 1;
        cells->rows = xs.count > 0 ? (size_t)ys.count : 0;
        cells->cols = cells->rows > 0 ? (size_t)xs.count : 0;
        if (cells->rows > 0) {
            const eq_dim at = (top + ys.first * w->dilation_h) * w->iw + left + xs.first * w->dilation_w;
            cells->in = image + (size_t)at * cells->channels;
        }
        run(cells);
        cells->out += cells->pixels * cells->channels;
    }
}

void eq_run_pool(const struct eq_call *call, struct eq_window w, void (*run)(const struct eq_cells *cells)) {
    eq_window_images(&w, eq_in(call->node, call->tensors, 0), eq_out(call->node, call->tensors, 0));
    const size_t channels = (size_t)w.ic, line = channels * (size_t)w.iw;
    struct eq_cells cells = {.call = call,
                             .out = call->first * (size_t)w.ow * channels,
                             .channels = channels,
                             .in_step = channels * (size_t)w.stride_w,
                             .col_step = channels * (size_t)w.dilation_w,
                             .row_step = line * (size_t)w.dilation_h};
    struct eq_rows at = {.unit = call->first};
    while (eq_rows_next(&w, 1, eq_end(call, eq_window_rows(&w)), &at)) row_of(&cells, &w, (size_t)(at.n * w.ih) * line, (eq_dim)at.oy, run);
}
