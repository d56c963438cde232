#include "unary_f32.h"

int eq_prepare_hard_swish_f32(struct eq_node *node, const struct eq_prepare *ctx) { return eq_prepare_unary_f32(node, ctx); }

void eq_run_hard_swish_f32(const struct eq_call *call) { EQ_EACH_F32(call, v, v * (eq_clamp_f32(v + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f))); }
