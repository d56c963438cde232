/* The shapes of a product of two stacks of matrices: a [B.., M, K], b [B.., K, N], y [B.., M, N]; B broadcast. */
#ifndef EQ_OPS_MATMUL_H
#define EQ_OPS_MATMUL_H
#include "op.h"

struct eq_matmul {
    size_t m, k, n, count; /* count: matrices of y */
    int batch_rank;
    const struct eq_tensor *a, *b, *y;
};

/* Fills in the shapes; EQ_ERR_SHAPE where they do not fit. */
int eq_matmul_shapes(struct eq_matmul *mm, const struct eq_node *node, const struct eq_tensor *tensors);
/* The matrix of a tensor that matrix `index` of y needs: 0, 1, ... in the order of the tensor. */
size_t eq_matmul_matrix(const struct eq_matmul *mm, const struct eq_tensor *t, size_t index);
#endif
