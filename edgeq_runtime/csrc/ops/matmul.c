#include "matmul.h"

/* Batch dimension i of y, as tensor t has it; t may have fewer. */
static int32_t batch_dim(const struct eq_matmul *mm, const struct eq_tensor *t, int i) {
    const int missing = mm->batch_rank - (t->rank - 2);
    return i < missing ? 1 : t->dims[i - missing];
}

int eq_matmul_shapes(struct eq_matmul *mm, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_tensor *a = eq_in(node, tensors, 0), *b = eq_in(node, tensors, 1), *y = eq_out(node, tensors, 0);
    const int rank = a->rank > b->rank ? a->rank : b->rank;
    EQ_NEED_SHAPE(node->output_count == 1 && a->rank >= 2 && b->rank >= 2 && y->rank == rank);
    *mm = (struct eq_matmul){.batch_rank = rank - 2, .count = 1, .a = a, .b = b, .y = y};
    mm->m = (size_t)a->dims[a->rank - 2];
    mm->k = (size_t)a->dims[a->rank - 1];
    mm->n = (size_t)b->dims[b->rank - 1];
    EQ_NEED_SHAPE((size_t)b->dims[b->rank - 2] == mm->k);
    EQ_NEED_SHAPE((size_t)y->dims[rank - 2] == mm->m && (size_t)y->dims[rank - 1] == mm->n);
    for (int i = 0; i < mm->batch_rank; i++) {
        const int32_t left = batch_dim(mm, a, i), right = batch_dim(mm, b, i);
        EQ_NEED_SHAPE((left == right || left == 1 || right == 1) && y->dims[i] == (left == 1 ? right : left));
        mm->count *= (size_t)y->dims[i];
    }
    return EQ_OK;
}

size_t eq_matmul_matrix(const struct eq_matmul *mm, const struct eq_tensor *t, size_t index) {
    size_t matrix = 0, step = 1;
    for (int i = mm->batch_rank - 1; i >= 0; i--) {
        const size_t size = (size_t)mm->y->dims[i], own = (size_t)batch_dim(mm, t, i);
        if (own > 1) matrix += index % size * step;
        index /= size;
        step *= own;
    }
    return matrix;
}
