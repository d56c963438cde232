/* Depthwise convolutions for kernels that take whole output rows; a multiplier of 1. */
#ifndef EQ_OPS_DEPTHWISE_LINES_H
#define EQ_OPS_DEPTHWISE_LINES_H
#include "weights.h"
#include "window.h"

struct eq_depthwise_op {
    struct eq_window window;
    struct eq_weights w; /* [kh][kw][c] */
    struct eq_s8_attrs attrs;
};

int eq_depthwise_lines_prepare(struct eq_node *node, const struct eq_depthwise_op *op);
void eq_depthwise_lines_pack(const struct eq_node *node, const struct eq_depthwise_op *op);
void eq_depthwise_lines_run(const struct eq_call *call, const struct eq_depthwise_op *op);
#endif
