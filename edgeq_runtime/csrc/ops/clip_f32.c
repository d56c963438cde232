#include "unary_f32.h"

int eq_prepare_clip_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_clip_f32_attrs *a = node->attrs;
    EQ_NEED_SHAPE(a->lo <= a->hi);
    return eq_prepare_unary_f32(node, ctx);
}

void eq_run_clip_f32(const struct eq_call *call) {
    const struct eq_clip_f32_attrs *attrs = call->node->attrs;
    const float lo = attrs->lo, hi = attrs->hi;
    EQ_EACH_F32(call, v, eq_clamp_f32(v, lo, hi));
}
