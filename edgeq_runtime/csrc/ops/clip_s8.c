#include "op.h"

int eq_prepare_clip_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_clip_s8_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_s8_valid(0, a->lo, a->hi));
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_s8, EQ_TYPE_s8);
}

void eq_run_clip_s8(const struct eq_call *call) {
    const struct eq_clip_s8_attrs *attrs = call->node->attrs;
    const int8_t lo = (int8_t)attrs->lo, hi = (int8_t)attrs->hi, *x = eq_read(call, 0);
    int8_t *restrict y = eq_write(call, 0);
    const size_t n = eq_out(call->node, call->tensors, 0)->count;
    for (size_t i = 0; i < n; i++) y[i] = x[i] < lo ? lo : x[i] > hi ? hi : x[i];
}
