#include "op.h"

static bool fits(const struct eq_tensor *x, const struct eq_tensor *y, int32_t axis) {
    if (x->rank != y->rank) return false;
    for (int i = 0; i < y->rank; i++) {
        if (i != axis && x->dims[i] != y->dims[i]) return false;
    }
    return true;
}

int eq_prepare_concat(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *y = eq_out(node, ctx->tensors, 0);
    const int32_t axis = ((const struct eq_concat_attrs *)node->attrs)->axis;
    EQ_NEED_SHAPE(axis >= 0 && axis < y->rank);
    int64_t length = 0;
    for (int i = 0; i < node->input_count; i++) {
        const struct eq_tensor *x = eq_in(node, ctx->tensors, i);
        EQ_NEED_TYPE(x, y->type);
        EQ_NEED_SHAPE(fits(x, y, axis));
        length += x->dims[axis];
    }
    EQ_NEED_SHAPE(length == y->dims[axis]);
    return eq_prepare_mover(node, ctx);
}

void eq_run_concat(const struct eq_call *call) {
    const struct eq_node *node = call->node;
    const struct eq_tensor *y = eq_out(node, call->tensors, 0);
    const int32_t axis = ((const struct eq_concat_attrs *)node->attrs)->axis;
    size_t outer = 1;
    for (int i = 0; i < axis; i++) outer *= (size_t)y->dims[i];
    const size_t row = y->bytes / outer;
    uint8_t *out = eq_write(call, 0);
    for (int i = 0; i < node->input_count; i++) {
        const uint8_t *x = eq_read(call, i);
        const size_t part = eq_in(node, call->tensors, i)->bytes / outer;
        for (size_t r = 0; r < outer; r++) memcpy(out + r * row, x + r * part, part);
        out += part;
    }
}
