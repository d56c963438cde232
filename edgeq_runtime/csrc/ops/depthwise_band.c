#include "depthwise_band.h"
#include "band.h"
#include "pack.h"

typedef void (*band_fn)(const struct eq_dwconv_s8_u8_s8 *args);

enum { MOST = 32768 }; /* bytes of a band and what is written from it: a small L1 */

static struct eq_band band_of(const struct eq_depthwise_op *op) { return eq_band_of(&op->window, MOST, (size_t)op->window.oc); }

/* Inputs of a channel as they are packed. */
static size_t depth(const struct eq_kernel *kernel, const struct eq_window *w) { return (size_t)w->kw * eq_gemm_k(kernel, (size_t)w->kh); }

/* Channels that the kernel reads beyond the last. */
static size_t beyond(const struct eq_kernel *kernel, size_t channels) { return (kernel->nr - channels % kernel->nr) % kernel->nr; }

int eq_depthwise_band_prepare(struct eq_node *node, const struct eq_depthwise_op *op) {
    const struct eq_band b = band_of(op);
    const size_t channels = (size_t)op->window.oc;
    node->packed_bytes = eq_gemm_s8_packed_at(node->kernel, channels, depth(node->kernel, &op->window), NULL).bytes;
    node->scratch_bytes = b.lines * b.line + beyond(node->kernel, channels);
    return EQ_OK;
}

void eq_depthwise_band_pack(const struct eq_node *node, const struct eq_depthwise_op *op) {
    const struct eq_window *w = &op->window;
    const size_t channels = (size_t)w->oc, kw = (size_t)w->kw;
    const struct eq_rq rq = eq_rq_from(op->rq, 0);
    const struct eq_matrix matrix = {(const int8_t *)op->w->data, channels, kw, (size_t)w->kh, 1, channels, kw * channels};
    eq_gemm_s8_pack(node->kernel, &matrix, &rq, op->attrs.x_zero - INT8_MIN, op->attrs.w_zero, node->packed);
}

void eq_depthwise_band_run(const struct eq_call *call, const struct eq_depthwise_op *op) {
    const struct eq_kernel *kernel = call->node->kernel;
    const struct eq_band b = band_of(op);
    const struct eq_window *w = &b.window;
    const size_t channels = (size_t)w->oc;
    const struct eq_gemm_s8_packed p = eq_gemm_s8_packed_at(kernel, channels, depth(kernel, w), call->node->packed);
    uint8_t *band = call->scratch;
    struct eq_dwconv_s8_u8_s8 args = {.pixels = (size_t)w->ow,
                                      .channels = channels,
                                      .kh = (size_t)w->kh,
                                      .kw = (size_t)w->kw,
                                      .a = band,
                                      .row_step = b.line * (size_t)w->stride_h,
                                      .x_step = channels * (size_t)w->stride_w,
                                      .y_tap = b.line * (size_t)w->dilation_h,
                                      .x_tap = channels * (size_t)w->dilation_w,
                                      .w = p.w,
                                      .rq = {p.bias, p.m, p.n},
                                      .y = eq_write(call, 0),
                                      .w_zero = op->attrs.w_zero,
                                      .y_zero = op->attrs.y_zero,
                                      .lo = op->attrs.lo,
                                      .hi = op->attrs.hi};
    memset(band + b.lines * b.line, 0, beyond(kernel, channels));
    for (int64_t n = 0; n < w->batch; n++)
        for (size_t oy = 0; oy < (size_t)w->oh; oy += args.rows, args.y += args.rows * args.pixels * channels) {
            args.rows = (size_t)w->oh - oy < b.rows ? (size_t)w->oh - oy : b.rows;
            eq_band_fill(&b, 0, eq_read(call, 0), op->attrs.x_zero, n, (int64_t)oy, args.rows, band);
            ((band_fn)kernel->run)(&args);
        }
}
