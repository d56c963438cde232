#include "eq_quant.h"
#include "op.h"

int eq_prepare_quantize_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_quantize_s8_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_scale_valid(a->scale) && eq_is_s8(a->zero));
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_f32, EQ_TYPE_s8);
}

void eq_run_quantize_s8(const struct eq_call *call) {
    const struct eq_quantize_s8_attrs attrs = *(const struct eq_quantize_s8_attrs *)call->node->attrs;
    const float *x = eq_read(call, 0);
    int8_t *restrict y = eq_write(call, 0);
    const size_t n = eq_out(call->node, call->tensors, 0)->count;
    for (size_t i = 0; i < n; i++) y[i] = eq_quantize(x[i], attrs.scale, attrs.zero);
}
