#include "depthwise_lines.h"
#include "pack.h"

typedef void (*lines_fn)(const struct eq_dwconv_s8_u8_s8 *args);

enum { ROWS = 16 /* of one call, which prepares its constants once */ };

/* Scratch: the lines that ROWS rows read, and a padded one. */
static size_t line_count(const struct eq_window *w) {
    const eq_dim rows = w->oh < ROWS ? w->oh : ROWS;
    return (size_t)((rows - 1) * w->stride_h + (w->kh - 1) * w->dilation_h + 1);
}

int eq_depthwise_lines_prepare(struct eq_node *node, const struct eq_depthwise_op *op) {
    const struct eq_window *w = &op->window;
    EQ_NEED(line_count(w) <= UINT32_MAX / sizeof(int8_t *), EQ_ERR_UNSUPPORTED);
    node->units = eq_units(node->macs, eq_window_rows(w));
    node->packed_bytes = eq_gemm_s8_head_bytes(eq_gemm_s8_channels(node->kernel, (size_t)w->oc), 0);
    node->weight_bytes = eq_gemm_s8_bytes(node->kernel, (size_t)w->oc, (size_t)w->kw, (size_t)w->kh);
    node->layout = eq_layout_of(node->kernel, 8, 1, (size_t)w->oc, (size_t)w->kw, (size_t)w->kh);
    node->scratch_bytes = line_count(w) * sizeof(int8_t *) + (size_t)(w->iw * w->ic);
    return EQ_OK;
}

void eq_depthwise_lines_pack(const struct eq_node *node, const struct eq_depthwise_op *op) {
    const struct eq_window *w = &op->window;
    const size_t channels = (size_t)w->oc, kw = (size_t)w->kw;
    const struct eq_matrix matrix = {&op->w, 0, 0, channels, kw, (size_t)w->kh, 1, channels, kw * channels};
    if (!node->in_file) eq_gemm_s8_pack(node->kernel, &matrix, node->weights);
    if (node->packed) eq_gemm_s8_heads(node->kernel, &matrix, op->attrs.x_zero - INT8_MIN, node->packed);
}

/* The lines of the rows from oy on. */
static void find_lines(const struct eq_window *w, const int8_t *x, eq_dim oy, size_t rows, const int8_t *padded, const int8_t **lines) {
    const eq_dim first = oy * w->stride_h - w->pad_top, count = ((eq_dim)rows - 1) * w->stride_h + (w->kh - 1) * w->dilation_h + 1;
    for (eq_dim i = first; i < first + count; i++) *lines++ = i >= 0 && i < w->ih ? x + i * w->iw * w->ic : padded;
}

void eq_depthwise_lines_run(const struct eq_call *call, const struct eq_depthwise_op *op) {
    const struct eq_kernel *kernel = call->node->kernel;
    const struct eq_window *w = &op->window;
    const size_t line = (size_t)(w->iw * w->ic);
    const struct eq_gemm_s8_heads p = eq_gemm_s8_heads_in(eq_gemm_s8_channels(kernel, (size_t)w->oc), call->node->packed);
    const int8_t **lines = (void *)call->scratch, *x = eq_read(call, 0);
    int8_t *padded = (int8_t *)(lines + line_count(w));
    memset(padded, op->attrs.x_zero, line);
    struct eq_dwconv_s8_u8_s8 args = {.pixels = (size_t)w->ow,
                                      .channels = (size_t)w->oc,
                                      .kh = (size_t)w->kh,
                                      .kw = (size_t)w->kw,
                                      .lines = lines,
                                      .columns = (size_t)w->iw,
                                      .stride_h = (size_t)w->stride_h,
                                      .stride_w = (size_t)w->stride_w,
                                      .dilation_h = (size_t)w->dilation_h,
                                      .dilation_w = (size_t)w->dilation_w,
                                      .pad_left = (size_t)w->pad_left,
                                      .w = call->node->weights,
                                      .rq = {p.bias, p.m, p.n},
                                      .x_zero = op->attrs.x_zero,
                                      .w_zero = op->attrs.w_zero,
                                      .y_zero = op->attrs.y_zero,
                                      .lo = op->attrs.lo,
                                      .hi = op->attrs.hi};
    struct eq_rows at = {.unit = call->first};
    while (eq_rows_next(w, ROWS, eq_end(call, eq_window_rows(w)), &at)) {
        args.rows = at.rows;
        args.y = (int8_t *)eq_write(call, 0) + at.first * args.pixels * args.channels;
        find_lines(w, x + (size_t)(at.n * w->ih) * line, (eq_dim)at.oy, args.rows, padded, lines);
        ((lines_fn)kernel->run)(&args);
    }
}
