#include "eq_math.h"
#include "unary_f32.h"

int eq_prepare_sigmoid_f32(struct eq_node *node, const struct eq_prepare *ctx) { return eq_prepare_unary_f32(node, ctx); }

void eq_run_sigmoid_f32(const struct eq_call *call) { EQ_EACH_F32(call, v, eq_sigmoid(v)); }
