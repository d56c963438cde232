#include "gemm_f32.h"

static int window_of(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_conv2d_f32_attrs *a = node->attrs;
    *w = (struct eq_window){.groups = a->groups};
    EQ_WINDOW_ATTRS(w, a);
    return eq_window_conv(w, node, tensors);
}

int eq_prepare_conv2d_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_conv2d_f32_attrs *a = node->attrs;
    struct eq_window w;
    int status = window_of(&w, node, ctx->tensors);
    if (status == EQ_OK) status = eq_window_check(&w, a->pad_bottom, a->pad_right);
    return status == EQ_OK ? eq_gemm_f32_prepare(node, ctx, &w, a->lo, a->hi) : status;
}

void eq_run_conv2d_f32(const struct eq_call *call) {
    const struct eq_conv2d_f32_attrs *a = call->node->attrs;
    struct eq_window w;
    window_of(&w, call->node, call->tensors);
    eq_gemm_f32_run(call, &w, a->lo, a->hi);
}
