#include "broadcast.h"
#include "strided.h"

int eq_prepare_expand(struct eq_node *node, const struct eq_prepare *ctx) {
    EQ_NEED_SHAPE(eq_stretches(eq_in(node, ctx->tensors, 0), eq_out(node, ctx->tensors, 0)));
    return eq_prepare_mover(node, ctx);
}

void eq_run_expand(const struct eq_call *call) {
    const struct eq_tensor *x = eq_in(call->node, call->tensors, 0), *y = eq_out(call->node, call->tensors, 0);
    ptrdiff_t strides[EQ_MAX_RANK];
    eq_stretched_strides(x, y, strides);
    struct eq_walk walk = {0};
    for (int i = 0; i < y->rank; i++) eq_walk_axis(&walk, (size_t)y->dims[i], strides[i], 0);
    eq_copy_strided(walk, eq_element_bytes(x), eq_read(call, 0), eq_write(call, 0));
}
