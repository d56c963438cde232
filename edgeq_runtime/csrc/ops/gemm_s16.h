/* Convolutions and fully connected layers with int16 activations as products of matrices; their constants, which depthwise layers have
 * too. */
#ifndef EQ_OPS_GEMM_S16_H
#define EQ_OPS_GEMM_S16_H
#include "weights.h"
#include "window.h"

struct eq_s16_op {
    struct eq_window window;
    struct eq_weights w;
    int32_t lo, hi;
};

/* The constants of the node; the window is set. */
static inline int eq_s16_weights(struct eq_s16_op *op, const struct eq_node *node, const struct eq_tensor *tensors) {
    return eq_weights_from(&op->w, node, tensors, (size_t)op->window.oc, eq_window_taps(&op->window), 0, 0);
}
/* Types, clamp and channel parameters; every sum of so many products stays below 2^47. */
int eq_s16_check(const struct eq_s16_op *op, const struct eq_tensor *x, size_t products);
/* Weights of less than a byte become bytes where the kernel reads the neutral layout. */
static inline bool eq_s16_unpacks(const struct eq_s16_op *op) { return op->w.type != EQ_TYPE_s8; }
/* The weights as they lie in the file, or in node->packed. */
static inline const int8_t *eq_s16_bytes(const struct eq_s16_op *op, const struct eq_node *node) {
    return node->packed ? node->packed : (const void *)op->w.data;
}

/* The window has been checked. */
int eq_gemm_s16_prepare(struct eq_node *node, const struct eq_prepare *ctx, const struct eq_s16_op *op);
void eq_gemm_s16_run(const struct eq_call *call, const struct eq_s16_op *op);
#endif
