#include "depthwise.h"
#include "gemm_s16.h"

/* Channels at once, and taps whose products of 2^22 at most fit in a sum of 32 bits. */
enum { WIDTH = 64, EXACT = 256 };

static int op_of(struct eq_s16_op *op, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_depthwise_conv2d_s16_attrs *a = node->attrs;
    *op = (struct eq_s16_op){.lo = a->lo, .hi = a->hi};
    EQ_WINDOW_ATTRS(&op->window, a);
    const int status = eq_depthwise_sizes(&op->window, node, tensors);
    return status == EQ_OK ? eq_s16_weights(op, node, tensors) : status;
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
    node->packed_bytes = eq_s16_unpacks(&op) ? op.w.count : 0;
    node->macs = (uint64_t)eq_window_pixels(w) * (uint64_t)w->oc * eq_window_taps(w);
    node->units = eq_units(node->macs, eq_window_pixels(w));
    return EQ_OK;
}

/* A constant multiplier of 1 makes the loop one of vectors. */
EQ_INLINE void add_products(int32_t *restrict part, const int16_t *x, const int8_t *w, size_t first, size_t width, const size_t mult) {
    for (size_t c = 0; c < width; c++) part[c] += x[(first + c) / mult] * w[first + c];
}

struct taps {
    const struct eq_s16_op *op;
    const int16_t *x;
    const int8_t *w;
};

/* Sums of `width` channels from `first` on: the taps that lie inside. */
static void sum(const struct taps *t, const struct eq_pixel *p, size_t first, size_t width, int64_t *restrict sums) {
    const struct eq_window *w = &t->op->window;
    const size_t mult = eq_depthwise_mult(w);
    int32_t part[WIDTH] = {0};
    size_t count = 0;
    const int8_t *weights = t->w;
    for (size_t c = 0; c < width; c++) sums[c] = t->op->w.rq.bias[first + c];
    for (int64_t ky = 0; ky < w->kh; ky++)
        for (int64_t kx = 0; kx < w->kw; kx++, weights += w->oc) {
            const int64_t at = eq_window_tap(w, p, ky, kx);
            if (at < 0) continue;
            if (mult == 1) add_products(part, t->x + at, weights, first, width, 1);
            else add_products(part, t->x + at, weights, first, width, mult);
            if (++count % EXACT != 0) continue;
            for (size_t c = 0; c < width; c++) sums[c] += part[c];
            memset(part, 0, sizeof part);
        }
    for (size_t c = 0; c < width; c++) sums[c] += part[c];
}

void eq_run_depthwise_conv2d_s16(const struct eq_call *call) {
    struct eq_s16_op op;
    op_of(&op, call->node, call->tensors);
    const size_t channels = (size_t)op.window.oc, end = eq_end(call, eq_window_pixels(&op.window));
    const struct taps taps = {&op, eq_read(call, 0), eq_s16_bytes(&op, call->node)};
    const struct eq_rq *rq = &op.w.rq;
    struct eq_pixel p = eq_pixel_at(&op.window, call->first);
    int16_t *y = (int16_t *)eq_write(call, 0) + call->first * channels;
    int64_t sums[WIDTH];
    for (size_t i = call->first; i < end; i++, y += channels, eq_pixel_next(&op.window, &p))
        for (size_t o = 0; o < channels; o += WIDTH) {
            const size_t width = channels - o < WIDTH ? channels - o : WIDTH;
            sum(&taps, &p, o, width, sums);
            for (size_t c = 0; c < width; c++)
                y[o + c] = eq_clamp_s16(eq_requantize_wide(sums[c], rq->m[o + c], rq->n[o + c]), op.lo, op.hi);
        }
}
