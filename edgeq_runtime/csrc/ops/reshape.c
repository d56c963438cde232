#include "op.h"

/* Rows of signs stay what they are where they end with a word, or are as long as before. */
static bool keeps_rows(const struct eq_tensor *x, const struct eq_tensor *y) {
    const size_t row = eq_row_length(x), other = eq_row_length(y);
    return x->data == NULL && (row == other || (row % 32 == 0 && other % 32 == 0));
}

int eq_prepare_reshape(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED_SHAPE(x->count == y->count);
    if (x->type != EQ_TYPE_b1) return eq_prepare_mover(node, ctx);
    EQ_NEED_TYPE(y, EQ_TYPE_b1);
    EQ_NEED_SHAPE(node->output_count == 1 && keeps_rows(x, y));
    return EQ_OK;
}

void eq_run_reshape(const struct eq_call *call) {
    const void *x = eq_read(call, 0);
    void *y = eq_write(call, 0);
    if (x != y) memcpy(y, x, eq_out(call->node, call->tensors, 0)->bytes);
}
