#include "eq_quant.h"
#include "unary_f32.h"

int eq_prepare_quantize_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_quantize_f32_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_scale_valid(a->scale) && eq_is_s8(a->zero) && eq_is_s8(a->low) && eq_is_s8(a->high) && a->low <= a->high);
    return eq_prepare_unary_f32(node, ctx);
}

static inline int32_t within(int32_t v, int32_t low, int32_t high) { return v < low ? low : v > high ? high : v; }

void eq_run_quantize_f32(const struct eq_call *call) {
    const struct eq_quantize_f32_attrs a = *(const struct eq_quantize_f32_attrs *)call->node->attrs;
    EQ_EACH_F32(call, v, eq_dequantize(within(eq_quantize(v, a.scale, a.zero), a.low, a.high), a.scale, a.zero));
}
