#include "eq_kernels.h"
#include "eq_signs.h"
#include "op.h"

int eq_prepare_unpack_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_unpack_s8_attrs *a = node->attrs;
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0);
    EQ_NEED_SHAPE(eq_is_s8(a->plus) && eq_is_s8(a->minus) && x->data == NULL);
    node->kernel = eq_select("unpack", "s8_b1_b1", ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    node->units = eq_units(x->count, eq_row_count(x));
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_b1, EQ_TYPE_s8);
}

void eq_run_unpack_s8(const struct eq_call *call) {
    const struct eq_unpack_s8_attrs *a = call->node->attrs;
    const struct eq_tensor *x = eq_in(call->node, call->tensors, 0);
    const size_t channels = eq_row_length(x), rows = eq_end(call, eq_row_count(x)) - call->first;
    const bool joined = channels % EQ_SIGNS == 0; /* as one row */
    const struct eq_unpack_s8_b1_b1 args = {.rows = joined ? 1 : rows,
                                            .channels = joined ? rows * channels : channels,
                                            .x = (const uint32_t *)eq_read(call, 0) + call->first * eq_sign_words(channels),
                                            .plus = (int8_t)a->plus,
                                            .minus = (int8_t)a->minus,
                                            .y = (int8_t *)eq_write(call, 0) + call->first * channels};
    ((void (*)(const struct eq_unpack_s8_b1_b1 *))call->node->kernel->run)(&args);
}
