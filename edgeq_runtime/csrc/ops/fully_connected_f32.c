#include "gemm_f32.h"

int eq_prepare_fully_connected_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_fully_connected_f32_attrs *a = node->attrs;
    struct eq_window w;
    const int status = eq_window_dense(&w, node, ctx->tensors);
    return status == EQ_OK ? eq_gemm_f32_prepare(node, ctx, &w, a->lo, a->hi) : status;
}

void eq_run_fully_connected_f32(const struct eq_call *call) {
    const struct eq_fully_connected_f32_attrs *a = call->node->attrs;
    struct eq_window w;
    eq_window_dense(&w, call->node, call->tensors);
    eq_gemm_f32_run(call, &w, a->lo, a->hi);
}
