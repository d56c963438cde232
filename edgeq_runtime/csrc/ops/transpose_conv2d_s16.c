#include "gemm_s16.h"

static int op_of(struct eq_s16_op *op, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_transpose_conv2d_s16_attrs *a = node->attrs;
    *op = (struct eq_s16_op){.window = {.groups = a->groups, .transposed = 1}, .lo = a->lo, .hi = a->hi};
    EQ_WINDOW_ATTRS(&op->window, a);
    const int status = eq_window_conv(&op->window, node, tensors);
    return status == EQ_OK ? eq_s16_weights(op, node, tensors) : status;
}

int eq_prepare_transpose_conv2d_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    struct eq_s16_op op;
    int status = op_of(&op, node, ctx->tensors);
    if (status == EQ_OK) status = eq_window_check(&op.window, 0, 0);
    return status == EQ_OK ? eq_gemm_s16_prepare(node, ctx, &op) : status;
}

void eq_run_transpose_conv2d_s16(const struct eq_call *call) {
    struct eq_s16_op op;
    op_of(&op, call->node, call->tensors);
    eq_gemm_s16_run(call, &op);
}
