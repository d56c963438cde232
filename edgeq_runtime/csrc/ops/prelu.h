/* The shapes of both prelu operators: alpha stretches to x, y has x's shape. */
#ifndef EQ_PRELU_H
#define EQ_PRELU_H
#include "broadcast.h"

static inline int eq_prepare_prelu(const struct eq_node *node, const struct eq_prepare *ctx, int type) {
    EQ_NEED_SHAPE(eq_same_dims(eq_in(node, ctx->tensors, 0), eq_out(node, ctx->tensors, 0)));
    return eq_prepare_broadcast(node, ctx, type);
}
#endif
