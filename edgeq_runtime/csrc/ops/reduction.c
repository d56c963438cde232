#include "reduction.h"

/* y has the kept axes in order; axes of length 1 may be there or not. */
static bool keeps(const struct eq_tensor *x, int32_t axes, const struct eq_tensor *y) {
    int j = 0;
    for (int i = 0; i < x->rank; i++) {
        if ((axes >> i & 1) || x->dims[i] == 1) continue;
        while (j < y->rank && y->dims[j] == 1) j++;
        if (j == y->rank || y->dims[j++] != x->dims[i]) return false;
    }
    while (j < y->rank && y->dims[j] == 1) j++;
    return j == y->rank;
}

int eq_prepare_reduction(const struct eq_node *node, const struct eq_prepare *ctx, int type, int32_t axes) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED_SHAPE(node->output_count == 1);
    EQ_NEED_TYPE(x, type);
    EQ_NEED_TYPE(y, type);
    EQ_NEED_SHAPE(axes >= 0 && axes >> x->rank == 0);
    EQ_NEED_SHAPE(keeps(x, axes, y));
    return EQ_OK;
}

size_t eq_reduced_count(const struct eq_tensor *x, int32_t axes) {
    size_t count = 1;
    for (int i = 0; i < x->rank; i++) {
        if (axes >> i & 1) count *= (size_t)x->dims[i];
    }
    return count;
}

void eq_run_reduction(const struct eq_call *call, int32_t axes, void (*cell)(const struct eq_reduce_cell *cell)) {
    const struct eq_tensor *x = eq_in(call->node, call->tensors, 0);
    ptrdiff_t strides[EQ_MAX_RANK];
    eq_strides(x, strides);
    struct eq_walk kept = {0};
    struct eq_reduce_cell one = {.call = call, .count = eq_reduced_count(x, axes)};
    for (int i = 0; i < x->rank; i++) eq_walk_axis(axes >> i & 1 ? &one.walk : &kept, (size_t)x->dims[i], strides[i], 0);
    const struct eq_axis run = eq_walk_pop(&one.walk);
    one.run = run.dim;
    one.step = (size_t)run.step[0];
    const bool vector = kept.rank > 0 && kept.axes[kept.rank - 1].step[0] == 1;
    const size_t width = vector ? eq_walk_pop(&kept).dim : 1;
    do {
        for (size_t c = 0; c < width; c += EQ_CELL_WIDTH) {
            one.in = (size_t)kept.at[0] + c;
            one.width = width - c < EQ_CELL_WIDTH ? width - c : EQ_CELL_WIDTH;
            cell(&one);
            one.out += one.width;
        }
    } while (eq_walk_next(&kept));
}
