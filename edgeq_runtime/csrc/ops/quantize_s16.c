#include "eq_quant.h"
#include "op.h"

int eq_prepare_quantize_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_quantize_s16_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_scale_valid(a->scale));
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_f32, EQ_TYPE_s16);
}

void eq_run_quantize_s16(const struct eq_call *call) {
    const float scale = ((const struct eq_quantize_s16_attrs *)call->node->attrs)->scale, *x = eq_read(call, 0);
    int16_t *restrict y = eq_write(call, 0);
    const size_t n = eq_out(call->node, call->tensors, 0)->count;
    for (size_t i = 0; i < n; i++) y[i] = eq_quantize_s16(x[i], scale);
}
