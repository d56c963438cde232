#include "unary_f32.h"

int eq_prepare_hard_sigmoid_f32(struct eq_node *node, const struct eq_prepare *ctx) { return eq_prepare_unary_f32(node, ctx); }

void eq_run_hard_sigmoid_f32(const struct eq_call *call) {
    const struct eq_hard_sigmoid_f32_attrs *attrs = call->node->attrs;
    const float alpha = attrs->alpha, beta = attrs->beta;
    EQ_EACH_F32(call, v, eq_clamp_f32(v * alpha + beta, 0.0f, 1.0f));
}
