#include "strided.h"

int eq_prepare_transpose(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    const int32_t *perm = ((const struct eq_transpose_attrs *)node->attrs)->perm;
    EQ_NEED_SHAPE(x->rank == y->rank);
    unsigned seen = 0;
    for (int i = 0; i < EQ_MAX_RANK; i++) {
        if (i >= x->rank) {
            EQ_NEED_SHAPE(perm[i] == 0);
            continue;
        }
        EQ_NEED_SHAPE(perm[i] >= 0 && perm[i] < x->rank && y->dims[i] == x->dims[perm[i]]);
        seen |= 1u << perm[i];
    }
    EQ_NEED_SHAPE(seen == (1u << x->rank) - 1);
    return eq_prepare_mover(node, ctx);
}

void eq_run_transpose(const struct eq_call *call) {
    const struct eq_tensor *x = eq_in(call->node, call->tensors, 0);
    const int32_t *perm = ((const struct eq_transpose_attrs *)call->node->attrs)->perm;
    ptrdiff_t strides[EQ_MAX_RANK];
    eq_strides(x, strides);
    struct eq_walk walk = {0};
    for (int i = 0; i < x->rank; i++) eq_walk_axis(&walk, (size_t)x->dims[perm[i]], strides[perm[i]], 0);
    eq_copy_strided(walk, eq_element_bytes(x), eq_read(call, 0), eq_write(call, 0));
}
