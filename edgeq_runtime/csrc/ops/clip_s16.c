#include "op.h"

int eq_prepare_clip_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_clip_s16_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_s16_valid(a->lo, a->hi));
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_s16, EQ_TYPE_s16);
}

void eq_run_clip_s16(const struct eq_call *call) {
    const struct eq_clip_s16_attrs *attrs = call->node->attrs;
    const int16_t lo = (int16_t)attrs->lo, hi = (int16_t)attrs->hi, *x = eq_read(call, 0);
    int16_t *restrict y = eq_write(call, 0);
    const size_t n = eq_out(call->node, call->tensors, 0)->count;
    for (size_t i = 0; i < n; i++) y[i] = x[i] < lo ? lo : x[i] > hi ? hi : x[i];
}
