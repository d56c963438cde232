#include "eq_kernels.h"
#include "op.h"

int eq_prepare_lookup_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    EQ_NEED_SHAPE(eq_is_table(eq_in(node, ctx->tensors, 1), EQ_TYPE_s8, 256));
    const size_t count = eq_out(node, ctx->tensors, 0)->count;
    node->kernel = eq_select("lookup", "s8_s8_s8", ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    node->units = eq_units(count, count);
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_s8, EQ_TYPE_s8);
}

void eq_run_lookup_s8(const struct eq_call *call) {
    const struct eq_lookup_s8_s8_s8 args = {.n = eq_end(call, eq_out(call->node, call->tensors, 0)->count) - call->first,
                                            .x = (const int8_t *)eq_read(call, 0) + call->first,
                                            .table = eq_read(call, 1),
                                            .y = (int8_t *)eq_write(call, 0) + call->first};
    ((void (*)(const struct eq_lookup_s8_s8_s8 *))call->node->kernel->run)(&args);
}
