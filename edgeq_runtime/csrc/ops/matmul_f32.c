#include "gemm_f32.h"
#include "matmul.h"

int eq_prepare_matmul_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_matmul_f32_attrs *attrs = node->attrs;
    struct eq_matmul mm;
    const int status = eq_matmul_shapes(&mm, node, ctx->tensors);
    if (status != EQ_OK) return status;
    EQ_NEED(mm.a->type == EQ_TYPE_f32 && mm.b->type == EQ_TYPE_f32 && mm.y->type == EQ_TYPE_f32, EQ_ERR_UNSUPPORTED);
    EQ_NEED_SHAPE(attrs->lo <= attrs->hi);
    EQ_NEED(eq_gemm_f32_select(node, ctx), EQ_ERR_UNSUPPORTED);
    node->scratch_bytes = mm.n * mm.k * sizeof(float);
    node->macs = (uint64_t)mm.y->count * mm.k;
    return EQ_OK;
}

/* [k][n] to [n][k]. */
static void transpose(const float *b, size_t k, size_t n, float *w) {
    for (size_t o = 0; o < n; o++)
        for (size_t i = 0; i < k; i++) *w++ = b[i * n + o];
}

void eq_run_matmul_f32(const struct eq_call *call) {
    const struct eq_matmul_f32_attrs *attrs = call->node->attrs;
    const float *a = eq_read(call, 0), *b = eq_read(call, 1);
    float *y = eq_write(call, 0), *w = (void *)call->scratch;
    struct eq_matmul mm;
    eq_matmul_shapes(&mm, call->node, call->tensors);
    size_t packed = SIZE_MAX; /* the matrix of b that lies in scratch */
    for (size_t i = 0; i < mm.count; i++) {
        const size_t right = eq_matmul_matrix(&mm, mm.b, i);
        if (right != packed) transpose(b + right * mm.k * mm.n, mm.k, mm.n, w);
        packed = right;
        struct eq_gemm_f32_f32_f32 args = {.m = mm.m,
                                           .n = mm.n,
                                           .k = mm.k,
                                           .a = a + eq_matmul_matrix(&mm, mm.a, i) * mm.m * mm.k,
                                           .a_stride = mm.k,
                                           .w = w,
                                           .y = y + i * mm.m * mm.n,
                                           .y_stride = mm.n,
                                           .lo = attrs->lo,
                                           .hi = attrs->hi};
        eq_gemm_f32_all(call->node->kernel, &args);
    }
}
