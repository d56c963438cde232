#include "gemm_f32.h"

enum { LANES = 8 }; /* output channels that are summed side by side */

static int window_of(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_transpose_conv2d_f32_attrs *a = node->attrs;
    *w = (struct eq_window){.groups = a->groups, .transposed = 1};
    EQ_WINDOW_ATTRS(w, a);
    return eq_window_conv(w, node, tensors);
}

int eq_prepare_transpose_conv2d_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_transpose_conv2d_f32_attrs *a = node->attrs;
    struct eq_window w;
    int status = window_of(&w, node, ctx->tensors);
    if (status == EQ_OK) status = eq_window_check(&w, 0, 0);
    if (status != EQ_OK) return status;
    node->macs = (uint64_t)(w.batch * w.ih * w.iw) * (uint64_t)w.ic * eq_window_taps(&w) * (uint64_t)(w.oc / w.groups);
    return eq_window_f32_check(node, ctx->tensors, (size_t)w.oc * eq_window_k(&w), (size_t)w.oc, a->lo, a->hi);
}

/* sum[l] += the products of one tap, over the channels of the group in order. */
static void add_tap(const float *x, const float *w, size_t depth, size_t k, size_t lanes, float sum[LANES]) {
    for (size_t c = 0; c < depth; c++)
        for (size_t l = 0; l < lanes; l++) sum[l] += x[c] * w[l * k + c];
}

/* The taps of one pixel for `lanes` channels from o on. */
static void sum_taps(const struct eq_window *w, const struct eq_pixel *p, const float *x, const float *weights, eq_dim o, size_t lanes,
                     float sum[LANES]) {
    const eq_dim depth = w->ic / w->groups, group = o / (w->oc / w->groups);
    const size_t k = eq_window_k(w);
    for (size_t l = 0; l < LANES; l++) sum[l] = 0;
    for (eq_dim ky = 0; ky < w->kh; ky++)
        for (eq_dim kx = 0; kx < w->kw; kx++) {
            const eq_dim at = eq_window_tap(w, p, ky, kx);
            if (at < 0) continue;
            const float *own = weights + (size_t)o * k + (size_t)((ky * w->kw + kx) * depth);
            if (lanes == LANES) add_tap(x + at + group * depth, own, (size_t)depth, k, LANES, sum);
            else add_tap(x + at + group * depth, own, (size_t)depth, k, lanes, sum);
        }
}

void eq_run_transpose_conv2d_f32(const struct eq_call *call) {
    const struct eq_transpose_conv2d_f32_attrs *a = call->node->attrs;
    const float *x = eq_read(call, 0), *weights = eq_read(call, 1), *bias = eq_read(call, 2);
    float *y = eq_write(call, 0);
    struct eq_window w;
    window_of(&w, call->node, call->tensors);
    const eq_dim own = w.oc / w.groups;
    struct eq_pixel p = {0, 0, 0};
    for (size_t i = 0; i < eq_window_pixels(&w); i++, y += w.oc, eq_pixel_next(&w, &p))
        for (eq_dim o = 0; o < w.oc;) {
            const eq_dim left = own - o % own, lanes = left < LANES ? left : LANES; /* of one group */
            float sum[LANES];
            sum_taps(&w, &p, x, weights, o, (size_t)lanes, sum);
            for (eq_dim l = 0; l < lanes; l++, o++) y[o] = eq_clamp_f32(sum[l] + bias[o], a->lo, a->hi);
        }
}
