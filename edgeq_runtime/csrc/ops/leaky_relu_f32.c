#include "unary_f32.h"

int eq_prepare_leaky_relu_f32(struct eq_node *node, const struct eq_prepare *ctx) { return eq_prepare_unary_f32(node, ctx); }

void eq_run_leaky_relu_f32(const struct eq_call *call) {
    const float alpha = ((const struct eq_leaky_relu_f32_attrs *)call->node->attrs)->alpha;
    EQ_EACH_F32(call, v, v < 0.0f ? v * alpha : v);
}
