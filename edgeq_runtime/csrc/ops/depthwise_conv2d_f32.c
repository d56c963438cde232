#include "depthwise.h"
#include "gemm_f32.h"

typedef void (*dwconv_fn)(const struct eq_dwconv_f32_f32_f32 *args);

/* Scratch, in this order. */
struct parts {
    const float **x, **w; /* [taps] each */
    float *spread;        /* [taps][channels]; none where mult is 1 */
};

struct run {
    struct eq_window window;
    struct parts parts;
    const float *x, *w;
    float *y;
    struct eq_dwconv_f32_f32_f32 args;
    dwconv_fn kernel;
};

static int window_of(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_depthwise_conv2d_f32_attrs *a = node->attrs;
    *w = (struct eq_window){.groups = 1};
    EQ_WINDOW_ATTRS(w, a);
    return eq_depthwise_sizes(w, node, tensors);
}

static size_t layout(struct parts *parts, const struct eq_window *w, uint8_t *memory) {
    const size_t taps = eq_window_taps(w), pointers = taps * sizeof *parts->x;
    if (memory) {
        parts->x = (void *)memory;
        parts->w = (void *)(memory + pointers);
        parts->spread = (void *)(memory + 2 * pointers);
    }
    return 2 * pointers + (eq_depthwise_mult(w) > 1 ? taps * (size_t)w->oc * sizeof(float) : 0);
}

int eq_prepare_depthwise_conv2d_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_depthwise_conv2d_f32_attrs *a = node->attrs;
    struct eq_window w;
    int status = window_of(&w, node, ctx->tensors);
    if (status == EQ_OK) status = eq_window_check(&w, a->pad_bottom, a->pad_right);
    if (status != EQ_OK) return status;
    const size_t taps = eq_window_taps(&w), channels = (size_t)w.oc;
    node->kernel = eq_select("dwconv", "f32_f32_f32", ctx->isas);
    EQ_NEED(node->kernel && node->kernel->kr == 0, EQ_ERR_UNSUPPORTED);
    node->scratch_bytes = layout(NULL, &w, NULL);
    node->macs = (uint64_t)eq_window_pixels(&w) * channels * taps;
    return eq_window_f32_check(node, ctx->tensors, taps * channels, channels, a->lo, a->hi);
}

/* Adds tap t, which lies at an offset of x, to the list of those inside. */
static void add_tap(struct run *r, size_t t, eq_dim at) {
    const size_t channels = (size_t)r->window.oc, mult = eq_depthwise_mult(&r->window), i = r->args.taps++;
    r->parts.x[i] = r->x + at;
    r->parts.w[i] = r->w + t * channels;
    if (mult == 1) return;
    float *spread = r->parts.spread + t * channels;
    eq_depthwise_spread(r->x + at, (size_t)r->window.ic, mult, sizeof(float), spread);
    r->parts.x[i] = spread;
}

static void run_pixels(void *context, const struct eq_pixel *p, size_t pixels) {
    struct run *r = context;
    size_t t = 0;
    r->args.taps = 0;
    for (eq_dim ky = 0; ky < r->window.kh; ky++)
        for (eq_dim kx = 0; kx < r->window.kw; kx++, t++) {
            const eq_dim at = eq_window_tap(&r->window, p, ky, kx);
            if (at >= 0) add_tap(r, t, at);
        }
    r->args.pixels = pixels;
    r->args.y = r->y + ((p->n * r->window.oh + p->oy) * r->window.ow + p->ox) * r->window.oc;
    r->kernel(&r->args);
}

void eq_run_depthwise_conv2d_f32(const struct eq_call *call) {
    const struct eq_depthwise_conv2d_f32_attrs *a = call->node->attrs;
    struct run r = {.x = eq_read(call, 0), .w = eq_read(call, 1), .y = eq_write(call, 0), .kernel = (dwconv_fn)call->node->kernel->run};
    window_of(&r.window, call->node, call->tensors);
    layout(&r.parts, &r.window, call->scratch);
    r.args = (struct eq_dwconv_f32_f32_f32){.channels = (size_t)r.window.oc,
                                            .x = r.parts.x,
                                            .w = r.parts.w,
                                            .bias = eq_read(call, 2),
                                            .x_step = (size_t)(r.window.ic * r.window.stride_w),
                                            .lo = a->lo,
                                            .hi = a->hi};
    eq_depthwise_walk(&r.window, 0, eq_window_rows(&r.window), &r, run_pixels);
}
