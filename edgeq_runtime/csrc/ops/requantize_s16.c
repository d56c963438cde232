#include "op.h"

/* int16 has no zero point. */
static bool is_zero(const struct eq_tensor *t, int32_t zero) { return t->type == EQ_TYPE_s8 ? eq_is_s8(zero) : zero == 0; }

int eq_prepare_requantize_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_requantize_s16_attrs *a = node->attrs;
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED(x->type == EQ_TYPE_s16 || (x->type == EQ_TYPE_s8 && y->type == EQ_TYPE_s16), EQ_ERR_UNSUPPORTED);
    EQ_NEED(y->type == EQ_TYPE_s16 || y->type == EQ_TYPE_s8, EQ_ERR_UNSUPPORTED);
    EQ_NEED_SHAPE(is_zero(x, a->x_zero) && is_zero(y, a->y_zero) && eq_rq16_valid(a->m, a->n));
    EQ_NEED_SHAPE(y->type == EQ_TYPE_s8 ? eq_s8_valid(0, a->lo, a->hi) : eq_s16_valid(a->lo, a->hi));
    return eq_prepare_elementwise(node, ctx, x->type, y->type);
}

#define EACH(from, to)                                                                                                                     \
    static void from##_to_##to(const struct eq_requantize_s16_attrs *a, const from##_t *x, size_t n, to##_t *restrict y) {                 \
        for (size_t i = 0; i < n; i++) {                                                                                                   \
            y[i] = (to##_t)eq_clamp_s16(eq_requantize_wide(x[i] - a->x_zero, a->m, a->n) + a->y_zero, a->lo, a->hi);                       \
            EQ_KEEP_SCALAR;                                                                                                                \
        }                                                                                                                                  \
    }
EACH(int8, int16)
EACH(int16, int8)
EACH(int16, int16)

void eq_run_requantize_s16(const struct eq_call *call) {
    const struct eq_tensor *in = eq_in(call->node, call->tensors, 0), *out = eq_out(call->node, call->tensors, 0);
    const struct eq_requantize_s16_attrs *attrs = call->node->attrs;
    const void *x = eq_read(call, 0);
    void *y = eq_write(call, 0);
    if (in->type == EQ_TYPE_s8) int8_to_int16(attrs, x, out->count, y);
    else if (out->type == EQ_TYPE_s8) int16_to_int8(attrs, x, out->count, y);
    else int16_to_int16(attrs, x, out->count, y);
}
