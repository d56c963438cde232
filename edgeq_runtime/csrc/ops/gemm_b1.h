/* Convolutions and fully connected layers of signs with signs (SPEC 2.1). */
#ifndef EQ_OPS_GEMM_B1_H
#define EQ_OPS_GEMM_B1_H
#include "rq.h"
#include "window.h"

struct eq_signs_op {
    struct eq_window window;
    struct eq_s8_attrs attrs; /* y_zero, lo and hi */
};

/* Checks the constants, chooses the kernel, says what it needs or packs. The window has been checked. */
int eq_gemm_b1_prepare(struct eq_node *node, const struct eq_prepare *ctx, const struct eq_signs_op *op);
void eq_gemm_b1_run(const struct eq_call *call, const struct eq_signs_op *op);
#endif
