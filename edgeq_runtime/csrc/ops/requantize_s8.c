#include "eq_kernels.h"
#include "op.h"

enum { MOST = 511 /* values that are too few for a table to pay */ };

int eq_prepare_requantize_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_requantize_s8_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_is_s8(a->x_zero) && eq_s8_valid(a->y_zero, a->lo, a->hi) && eq_rq_valid(a->m, a->n));
    node->kernel = eq_select("lookup", "s8_s8_s8", ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_s8, EQ_TYPE_s8);
}

static int8_t value(const struct eq_requantize_s8_attrs *a, int32_t x) {
    return eq_clamp_s8(eq_requantize(x - a->x_zero, a->m, a->n), a->y_zero, a->lo, a->hi);
}

void eq_run_requantize_s8(const struct eq_call *call) {
    const struct eq_requantize_s8_attrs *attrs = call->node->attrs;
    const int8_t *x = eq_read(call, 0);
    int8_t *y = eq_write(call, 0), table[256];
    const size_t n = eq_out(call->node, call->tensors, 0)->count;
    if (n <= MOST) {
        for (size_t i = 0; i < n; i++) y[i] = value(attrs, x[i]);
        return;
    }
    for (int32_t i = 0; i < 256; i++) table[i] = value(attrs, i - 128);
    const struct eq_lookup_s8_s8_s8 args = {n, x, table, y};
    ((void (*)(const struct eq_lookup_s8_s8_s8 *))call->node->kernel->run)(&args);
}
