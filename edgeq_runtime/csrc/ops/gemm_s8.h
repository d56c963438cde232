/* Convolutions and fully connected layers in int8 as products of matrices: one row of activations an output pixel. */
#ifndef EQ_OPS_GEMM_S8_H
#define EQ_OPS_GEMM_S8_H
#include "rq.h"
#include "window.h"

struct eq_gemm_op {
    struct eq_window window;
    const struct eq_tensor *w, *rq; /* [oc][...], [9 oc] */
    struct eq_s8_attrs attrs;
};

/* Checks the constants, chooses the kernel, says what it needs or packs. The window has been checked. */
int eq_gemm_s8_prepare(struct eq_node *node, const struct eq_prepare *ctx, const struct eq_gemm_op *op);
void eq_gemm_s8_run(const struct eq_call *call, const struct eq_gemm_op *op);
#endif
