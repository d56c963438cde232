#include "band.h"
#include "depthwise.h"
#include "depthwise_lines.h"
#include "pack.h"

typedef void (*dwconv_fn)(const struct eq_dwconv_s8_s8_s8 *args);

/* Stretches of one call of the kernel, which prepares its constants once a call. */
enum { AT_ONCE = 8, MOST = 16384 /* bytes of a band: half of a small L1 */ };

/* Scratch, in this order. */
struct parts {
    struct eq_stretch_s8 *stretches; /* [at once] */
    const int8_t **taps;             /* [at once][taps] */
    int8_t *padded;                  /* [channels], x_zero */
    int8_t *spread;                  /* [taps][channels]; none where mult is 1 */
    int8_t *band;                    /* the padded lines of some output rows; only where mult is 1 */
};

struct run {
    struct eq_window window;
    struct parts parts;
    const int8_t *x;
    int8_t *y;
    struct eq_dwconv_s8_s8_s8 args;
    dwconv_fn kernel;
    size_t at_once;
};

static int window_of(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_depthwise_conv2d_s8_attrs *a = node->attrs;
    *w = (struct eq_window){.groups = 1};
    EQ_WINDOW_ATTRS(w, a);
    return eq_depthwise_sizes(w, node, tensors);
}

/* One where the taps are spread into memory for a single pixel. */
static size_t at_once(const struct eq_window *w) {
    const size_t pixels = eq_window_pixels(w), most = eq_depthwise_mult(w) > 1 ? 1 : AT_ONCE;
    return pixels < most ? pixels : most;
}

/* Whether stretches are whole lines of pixels, read out of a band where no tap lies outside. */
static bool has_lines(const struct eq_window *w) { return w->oc == w->ic; }

static size_t layout(struct parts *parts, const struct eq_window *w, uint8_t *memory) {
    const size_t taps = eq_window_taps(w), channels = (size_t)w->oc, count = at_once(w);
    const size_t heads = count * sizeof *parts->stretches, pointers = count * taps * sizeof *parts->taps;
    if (memory) {
        parts->stretches = (void *)memory;
        parts->taps = (void *)(memory + heads);
        parts->padded = parts->band = (int8_t *)memory + heads + pointers;
        parts->spread = parts->padded + channels;
    }
    if (has_lines(w)) {
        const struct eq_band b = eq_band_of(w, MOST, 0, 1);
        return heads + pointers + b.line * b.lines;
    }
    return heads + pointers + channels + taps * channels;
}

static int check(const struct eq_node *node, const struct eq_tensor *tensors, const struct eq_depthwise_op *op) {
    const size_t taps = eq_window_taps(&op->window), channels = (size_t)op->window.oc;
    const struct eq_matrix m = {&op->w, 0, 0, channels, 1, taps, 1, 0, channels};
    EQ_NEED_TYPE(eq_in(node, tensors, 0), EQ_TYPE_s8);
    EQ_NEED(op->w.type == EQ_TYPE_s8 || op->w.type == EQ_TYPE_s4, EQ_ERR_UNSUPPORTED);
    const int status = eq_weights_check(&op->w, channels, &op->attrs);
    if (status != EQ_OK) return status;
    EQ_NEED(eq_matrix_fits(&m, op->attrs.x_zero), EQ_ERR_FORMAT);
    return EQ_OK;
}

/* Whole rows hold each channel once, and only pay with a kernel of their own. What packs weights packs them as bytes, whatever they are in
 * the file: they are few. */
static const struct eq_kernel *select(const struct eq_depthwise_op *op, uint32_t isas) {
    const struct eq_kernel *kernel = eq_depthwise_mult(&op->window) == 1 ? eq_select("dwconv", "s8_u8_s8", isas) : NULL;
    if (kernel && kernel->isa != EQ_ISA_portable) return kernel;
    kernel = eq_select("dwconv", "s8_s8_s8", isas);
    if (op->w.type == EQ_TYPE_s8 || (kernel && kernel->kr)) return kernel;
    return eq_select("dwconv", op->w.low ? "s8_s8_s4x2" : "s8_s8_s4", isas);
}

static bool takes_lines(const struct eq_kernel *kernel) { return EQ_HAS(byte_rows) && !strcmp(kernel->types, "s8_u8_s8"); }

static int op_of(struct eq_depthwise_op *op, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_depthwise_conv2d_s8_attrs *a = node->attrs;
    *op = (struct eq_depthwise_op){.attrs = EQ_S8_ATTRS(a)};
    const int status = window_of(&op->window, node, tensors);
    if (status != EQ_OK) return status;
    return eq_weights_from(&op->w, node, tensors, (size_t)op->window.oc, eq_window_taps(&op->window), 0, a->w_zero);
}

int eq_prepare_depthwise_conv2d_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_depthwise_conv2d_s8_attrs *a = node->attrs;
    struct eq_depthwise_op op;
    int status = op_of(&op, node, ctx->tensors);
    if (status != EQ_OK) return status;
    const struct eq_window *w = &op.window;
    const size_t taps = eq_window_taps(w), channels = (size_t)w->oc;
    if (node->packed || node->weights) {
        if (takes_lines(node->kernel)) eq_depthwise_lines_pack(node, &op);
        else if (!node->in_file) eq_dwconv_pack(node->kernel, taps, channels, &op.w, node->weights);
        return EQ_OK;
    }
    status = eq_window_check(w, a->pad_bottom, a->pad_right);
    if (status == EQ_OK) status = check(node, ctx->tensors, &op);
    if (status != EQ_OK) return status;
    node->kernel = select(&op, ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    node->macs = (uint64_t)eq_window_pixels(w) * channels * taps;
    if (takes_lines(node->kernel)) return eq_depthwise_lines_prepare(node, &op);
    node->weight_bytes = node->kernel->kr ? eq_dwconv_pack_bytes(node->kernel, taps, channels) : 0;
    node->layout = eq_layout_of(node->kernel, 16, 1, channels, 1, taps);
    EQ_NEED(eq_band_fits(w), EQ_ERR_UNSUPPORTED);
    const struct eq_band b = eq_band_of(w, MOST, 0, 1);
    EQ_NEED(b.line <= INT32_MAX / b.lines, EQ_ERR_UNSUPPORTED);
    node->scratch_bytes = layout(NULL, w, NULL);
    if (has_lines(w)) node->units = eq_units(node->macs, eq_window_rows(&b.window)); /* whose rows are those of w, or its pixels */
    return EQ_OK;
}

/* Tap t, which lies at an offset of x (< 0: padded), as the kernel reads it. */
static const int8_t *tap(const struct run *r, size_t t, eq_dim at) {
    if (at < 0) return r->parts.padded;
    int8_t *spread = r->parts.spread + t * (size_t)r->window.oc;
    eq_depthwise_spread(r->x + at, (size_t)r->window.ic, eq_depthwise_mult(&r->window), 1, spread);
    return spread;
}

static void flush(struct run *r) {
    if (r->args.count > 0) r->kernel(&r->args);
    r->args.count = 0;
}

static void add_pixel(void *context, const struct eq_pixel *p, size_t pixels) {
    struct run *r = context;
    int8_t *y = r->y + ((p->n * r->window.oh + p->oy) * r->window.ow + p->ox) * r->window.oc;
    size_t t = 0;
    for (eq_dim ky = 0; ky < r->window.kh; ky++)
        for (eq_dim kx = 0; kx < r->window.kw; kx++, t++) r->parts.taps[t] = tap(r, t, eq_window_tap(&r->window, p, ky, kx));
    r->parts.stretches[r->args.count++] = (struct eq_stretch_s8){pixels, r->parts.taps, y};
    flush(r);
}

/* A row of pixels whose taps begin at x. */
static void add_row(struct run *r, const struct eq_band *b, const int8_t *x, int8_t *y) {
    const int8_t **taps = r->parts.taps + r->args.count * r->args.taps;
    const size_t step_y = b->line * (size_t)b->window.dilation_h, step_x = (size_t)(b->window.dilation_w * b->window.ic);
    r->parts.stretches[r->args.count++] = (struct eq_stretch_s8){(size_t)b->window.ow, taps, y};
    for (size_t ky = 0; ky < (size_t)b->window.kh; ky++, x += step_y)
        for (size_t kx = 0; kx < (size_t)b->window.kw; kx++) *taps++ = x + kx * step_x;
    if (r->args.count == r->at_once) flush(r);
}

static void run_bands(struct run *r, const struct eq_call *call) {
    const struct eq_band b = eq_band_of(&r->window, MOST, 0, 1);
    const size_t step = b.line * (size_t)b.window.stride_h, row = (size_t)(b.window.ow * b.window.oc);
    struct eq_rows at = {.unit = call->first};
    while (eq_rows_next(&b.window, b.rows, eq_end(call, eq_window_rows(&b.window)), &at)) {
        eq_band_fill(&b, 1, r->x, r->args.x_zero, at.n, (eq_dim)at.oy, at.rows, (uint8_t *)r->parts.band);
        for (size_t i = 0; i < at.rows; i++) add_row(r, &b, r->parts.band + i * step, r->y + (at.first + i) * row);
        flush(r);
    }
}

void eq_run_depthwise_conv2d_s8(const struct eq_call *call) {
    const struct eq_depthwise_conv2d_s8_attrs *a = call->node->attrs;
    const struct eq_node *node = call->node;
    struct run r = {.x = eq_read(call, 0), .y = eq_write(call, 0), .kernel = (dwconv_fn)node->kernel->run};
    struct eq_depthwise_op op;
    op_of(&op, node, call->tensors);
    r.window = op.window;
    if (takes_lines(node->kernel)) {
        eq_depthwise_lines_run(call, &op);
        return;
    }
    layout(&r.parts, &r.window, call->scratch);
    r.at_once = at_once(&r.window);
    r.args = (struct eq_dwconv_s8_s8_s8){.channels = (size_t)r.window.oc,
                                         .taps = eq_window_taps(&r.window),
                                         .stretches = r.parts.stretches,
                                         .x_step = (size_t)(r.window.ic * r.window.stride_w),
                                         .w = node->weights ? node->weights : eq_read(call, 1),
                                         .rq = op.w.rq,
                                         .x_zero = a->x_zero,
                                         .w_zero = a->w_zero,
                                         .y_zero = a->y_zero,
                                         .lo = a->lo,
                                         .hi = a->hi,
                                         .low = op.w.low,
                                         .up = op.w.times == 1 ? 0 : 4};
    if (has_lines(&r.window)) {
        run_bands(&r, call);
        return;
    }
    memset(r.parts.padded, a->x_zero, (size_t)r.window.oc);
    eq_depthwise_walk(&r.window, 0, eq_window_rows(&r.window), &r, add_pixel);
}
