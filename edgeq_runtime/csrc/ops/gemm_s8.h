/* Convolutions and fully connected layers in int8 as products of matrices: one row of activations an output pixel. */
#ifndef EQ_OPS_GEMM_S8_H
#define EQ_OPS_GEMM_S8_H
#include "weights.h"
#include "window.h"

struct eq_gemm_op {
    struct eq_window window;
    struct eq_weights w;
    struct eq_s8_attrs attrs;
};

/* The constants of the node; the window is set. */
static inline int eq_gemm_weights(struct eq_gemm_op *op, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_window *w = &op->window;
    return eq_weights_from(&op->w, node, tensors, (size_t)w->oc, eq_window_taps(w), (size_t)(w->ic / w->groups), op->attrs.w_zero);
}

/* Checks the constants, chooses the kernel, says what it needs or packs. The window has been checked. */
int eq_gemm_s8_prepare(struct eq_node *node, const struct eq_prepare *ctx, const struct eq_gemm_op *op);
void eq_gemm_s8_run(const struct eq_call *call, const struct eq_gemm_op *op);
#endif
