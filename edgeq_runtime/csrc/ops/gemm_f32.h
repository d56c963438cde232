/* Convolutions and fully connected layers in float32 as products of matrices. */
#ifndef EQ_OPS_GEMM_F32_H
#define EQ_OPS_GEMM_F32_H
#include "eq_kernels.h"
#include "window.h"

/* Choose the kernel of a product of float matrices: it reads the neutral layout. */
bool eq_gemm_f32_select(struct eq_node *node, const struct eq_prepare *ctx);
/* Any number of rows: as many calls as the kernel needs. */
void eq_gemm_f32_all(const struct eq_kernel *kernel, struct eq_gemm_f32_f32_f32 *args);

/* Inputs x, w, bias of a window that has been checked. */
int eq_gemm_f32_prepare(struct eq_node *node, const struct eq_prepare *ctx, const struct eq_window *w, float lo, float hi);
void eq_gemm_f32_run(const struct eq_call *call, const struct eq_window *w, float lo, float hi);
/* What every float32 operator with weights needs: types, constants, the clamp. */
int eq_window_f32_check(const struct eq_node *node, const struct eq_tensor *tensors, size_t weights, size_t channels, float lo, float hi);
#endif
