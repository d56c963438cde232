/* The shapes of the resize operators: [N,H,W,C] to [N,OH,OW,C]. */
#ifndef EQ_RESIZE_H
#define EQ_RESIZE_H
#include "op.h"

static inline int eq_prepare_resize(const struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED_SHAPE(x->rank == 4 && y->rank == 4 && x->dims[0] == y->dims[0] && x->dims[3] == y->dims[3]);
    return eq_prepare_mover(node, ctx);
}

/* A constant with one entry for each index of an output axis, which entry >> shift maps into an input axis of `length`. */
static inline bool eq_is_index_table(const struct eq_tensor *t, int32_t count, int shift, int32_t length) {
    if (!eq_is_table(t, EQ_TYPE_s32, (size_t)count)) return false;
    const int32_t *entries = (const void *)t->data;
    for (int32_t i = 0; i < count; i++) {
        if (entries[i] < 0 || entries[i] >> shift >= length) return false;
    }
    return true;
}
#endif
