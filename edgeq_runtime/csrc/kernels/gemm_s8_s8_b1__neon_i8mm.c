#include "neon_b1.h"
#include "neon_smmla.h"

void eq_gemm_s8_s8_b1__neon_i8mm(const struct eq_gemm_s8_s8_b1 *args) { panel_run((low_args)(const void *)args, ENGINE); }
