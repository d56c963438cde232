#include "strided.h"

static bool inside(int32_t begin, int32_t step, int32_t count, int32_t length) {
    const int64_t last = begin + (int64_t)(count - 1) * step;
    return step != 0 && begin >= 0 && begin < length && last >= 0 && last < length;
}

int eq_prepare_slice(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    const struct eq_slice_attrs *a = node->attrs;
    EQ_NEED_SHAPE(x->rank == y->rank);
    for (int i = 0; i < EQ_MAX_RANK; i++) {
        if (i < x->rank) EQ_NEED_SHAPE(inside(a->begin[i], a->step[i], y->dims[i], x->dims[i]));
        else EQ_NEED_SHAPE(a->begin[i] == 0 && a->step[i] == 1);
    }
    return eq_prepare_mover(node, ctx);
}

void eq_run_slice(const struct eq_call *call) {
    const struct eq_tensor *x = eq_in(call->node, call->tensors, 0), *y = eq_out(call->node, call->tensors, 0);
    const struct eq_slice_attrs *a = call->node->attrs;
    const size_t size = eq_element_bytes(x);
    ptrdiff_t strides[EQ_MAX_RANK], first = 0;
    eq_strides(x, strides);
    struct eq_walk walk = {0};
    for (int i = 0; i < x->rank; i++) {
        first += a->begin[i] * strides[i];
        if (y->dims[i] > 1) eq_walk_axis(&walk, (size_t)y->dims[i], a->step[i] * strides[i], 0); /* a single index may have any step */
    }
    eq_copy_strided(walk, size, (const uint8_t *)eq_read(call, 0) + first * (ptrdiff_t)size, eq_write(call, 0));
}
