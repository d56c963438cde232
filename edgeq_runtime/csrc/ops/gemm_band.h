/* gemm_s8 for kernels that read windows out of a band, without rows of their own. */
#ifndef EQ_OPS_GEMM_BAND_H
#define EQ_OPS_GEMM_BAND_H
#include "gemm_s8.h"

int eq_gemm_band_prepare(struct eq_node *node, const struct eq_gemm_op *op);
void eq_gemm_band_pack(const struct eq_node *node, const struct eq_gemm_op *op);
void eq_gemm_band_run(const struct eq_call *call, const struct eq_gemm_op *op);
#endif
