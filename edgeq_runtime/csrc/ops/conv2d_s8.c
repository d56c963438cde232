#include "gemm_s8.h"

static int op_of(struct eq_gemm_op *op, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_conv2d_s8_attrs *a = node->attrs;
    const struct eq_s8_attrs attrs = EQ_S8_ATTRS(a);
    struct eq_window *w = &op->window;
    *w = (struct eq_window){.groups = a->groups};
    EQ_WINDOW_ATTRS(w, a);
    const int status = eq_window_conv(w, node, tensors);
    op->attrs = attrs;
    return status == EQ_OK ? eq_gemm_weights(op, node, tensors) : status;
}

int eq_prepare_conv2d_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_conv2d_s8_attrs *a = node->attrs;
    struct eq_gemm_op op;
    int status = op_of(&op, node, ctx->tensors);
    if (status == EQ_OK) status = eq_window_check(&op.window, a->pad_bottom, a->pad_right);
    return status == EQ_OK ? eq_gemm_s8_prepare(node, ctx, &op) : status;
}

void eq_run_conv2d_s8(const struct eq_call *call) {
    struct eq_gemm_op op;
    op_of(&op, call->node, call->tensors);
    eq_gemm_s8_run(call, &op);
}
