#include "gemm_b1.h"

static int op_of(struct eq_signs_op *op, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_conv2d_b1_attrs *a = node->attrs;
    struct eq_window w = {.groups = 1};
    EQ_WINDOW_ATTRS(&w, a);
    const int status = eq_window_conv_any(&w, node, tensors);
    *op = (struct eq_signs_op){w, {.y_zero = a->y_zero, .lo = a->lo, .hi = a->hi}};
    return status;
}

int eq_prepare_conv2d_b1(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_conv2d_b1_attrs *a = node->attrs;
    struct eq_signs_op op;
    int status = op_of(&op, node, ctx->tensors);
    if (status == EQ_OK) status = eq_window_check(&op.window, a->pad_bottom, a->pad_right);
    return status == EQ_OK ? eq_gemm_b1_prepare(node, ctx, &op) : status;
}

void eq_run_conv2d_b1(const struct eq_call *call) {
    struct eq_signs_op op;
    op_of(&op, call->node, call->tensors);
    eq_gemm_b1_run(call, &op);
}
