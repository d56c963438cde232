#include "gemm_b1.h"

static int op_of(struct eq_signs_op *op, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_fully_connected_b1_attrs *a = node->attrs;
    struct eq_window w;
    const int status = eq_window_dense_any(&w, node, tensors);
    *op = (struct eq_signs_op){w, {.y_zero = a->y_zero, .lo = a->lo, .hi = a->hi}};
    return status;
}

int eq_prepare_fully_connected_b1(struct eq_node *node, const struct eq_prepare *ctx) {
    struct eq_signs_op op;
    const int status = op_of(&op, node, ctx->tensors);
    return status == EQ_OK ? eq_gemm_b1_prepare(node, ctx, &op) : status;
}

void eq_run_fully_connected_b1(const struct eq_call *call) {
    struct eq_signs_op op;
    op_of(&op, call->node, call->tensors);
    eq_gemm_b1_run(call, &op);
}
