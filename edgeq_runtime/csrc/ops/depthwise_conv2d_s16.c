#include "depthwise.h"
#include "gemm_s16.h"

typedef void (*dwconv_fn)(const struct eq_dwconv_s16_s16_s8 *args);

/* Scratch, in this order. */
struct parts {
    size_t *x_at, *w_at; /* [taps] each */
    int16_t *spread;     /* [taps][channels]; none where mult is 1 */
};

struct run {
    struct eq_s16_op op;
    struct parts parts;
    const int16_t *x;
    int16_t *y;
    struct eq_dwconv_s16_s16_s8 args;
    dwconv_fn kernel;
};

static int op_of(struct eq_s16_op *op, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_depthwise_conv2d_s16_attrs *a = node->attrs;
    *op = (struct eq_s16_op){.lo = a->lo, .hi = a->hi};
    EQ_WINDOW_ATTRS(&op->window, a);
    const int status = eq_depthwise_sizes(&op->window, node, tensors);
    return status == EQ_OK ? eq_s16_weights(op, node, tensors) : status;
}

static size_t layout(struct parts *parts, const struct eq_window *w, uint8_t *memory) {
    const size_t taps = eq_window_taps(w), places = taps * sizeof *parts->x_at;
    if (memory) *parts = (struct parts){(void *)memory, (void *)(memory + places), (void *)(memory + 2 * places)};
    return 2 * places + (eq_depthwise_mult(w) > 1 ? taps * (size_t)w->oc * sizeof(int16_t) : 0);
}

int eq_prepare_depthwise_conv2d_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_depthwise_conv2d_s16_attrs *a = node->attrs;
    struct eq_s16_op op;
    int status = op_of(&op, node, ctx->tensors);
    if (status != EQ_OK) return status;
    if (node->packed) {
        eq_weights_read(&op.w, 0, 1, op.w.count, node->packed);
        return EQ_OK;
    }
    const struct eq_window *w = &op.window;
    status = eq_window_check(w, a->pad_bottom, a->pad_right);
    if (status == EQ_OK) status = eq_s16_check(&op, eq_in(node, ctx->tensors, 0), eq_window_taps(w));
    if (status != EQ_OK) return status;
    node->kernel = eq_select("dwconv", "s16_s16_s8", ctx->isas);
    EQ_NEED(node->kernel && node->kernel->kr == 0, EQ_ERR_UNSUPPORTED);
    node->packed_bytes = eq_s16_unpacks(&op) ? op.w.count : 0;
    node->scratch_bytes = layout(NULL, w, NULL);
    node->macs = (uint64_t)eq_window_pixels(w) * (uint64_t)w->oc * eq_window_taps(w);
    node->units = eq_units(node->macs, eq_window_rows(w));
    return EQ_OK;
}

/* Adds tap t, which lies at an offset of x, to those inside. */
static void add_tap(struct run *r, size_t t, eq_dim at) {
    const size_t channels = (size_t)r->op.window.oc, mult = eq_depthwise_mult(&r->op.window), i = r->args.taps++;
    r->parts.w_at[i] = t * channels;
    r->parts.x_at[i] = mult == 1 ? (size_t)at : i * channels;
    if (mult > 1) eq_depthwise_spread(r->x + at, (size_t)r->op.window.ic, mult, sizeof *r->x, r->parts.spread + i * channels);
}

static void run_pixels(void *context, const struct eq_pixel *p, size_t pixels) {
    struct run *r = context;
    const struct eq_window *w = &r->op.window;
    size_t t = 0;
    r->args.taps = 0;
    for (eq_dim ky = 0; ky < w->kh; ky++)
        for (eq_dim kx = 0; kx < w->kw; kx++, t++) {
            const eq_dim at = eq_window_tap(w, p, ky, kx);
            if (at >= 0) add_tap(r, t, at);
        }
    r->args.pixels = pixels;
    r->args.y = r->y + ((p->n * w->oh + p->oy) * w->ow + p->ox) * w->oc;
    r->kernel(&r->args);
}

void eq_run_depthwise_conv2d_s16(const struct eq_call *call) {
    struct run r = {.x = eq_read(call, 0), .y = eq_write(call, 0), .kernel = (dwconv_fn)call->node->kernel->run};
    op_of(&r.op, call->node, call->tensors);
    const struct eq_window *w = &r.op.window;
    layout(&r.parts, w, call->scratch);
    r.args = (struct eq_dwconv_s16_s16_s8){.channels = (size_t)w->oc,
                                           .x = eq_depthwise_mult(w) == 1 ? r.x : r.parts.spread,
                                           .x_at = r.parts.x_at,
                                           .x_step = (size_t)(w->ic * w->stride_w),
                                           .w = eq_s16_bytes(&r.op, call->node),
                                           .w_at = r.parts.w_at,
                                           .rq = r.op.w.rq,
                                           .lo = r.op.lo,
                                           .hi = r.op.hi};
    eq_depthwise_walk(w, call->first, eq_end(call, eq_window_rows(w)), &r, run_pixels);
}
