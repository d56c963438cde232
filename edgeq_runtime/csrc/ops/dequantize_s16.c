#include "eq_quant.h"
#include "op.h"

int eq_prepare_dequantize_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_dequantize_s16_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_scale_valid(a->scale));
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_s16, EQ_TYPE_f32);
}

void eq_run_dequantize_s16(const struct eq_call *call) {
    const float scale = ((const struct eq_dequantize_s16_attrs *)call->node->attrs)->scale;
    const int16_t *x = eq_read(call, 0);
    float *restrict y = eq_write(call, 0);
    const size_t n = eq_out(call->node, call->tensors, 0)->count;
    for (size_t i = 0; i < n; i++) y[i] = eq_dequantize(x[i], scale, 0);
}
