#include "neon_b1.h"
#include "neon_sdot.h"

void eq_gemm_s8_s8_b1__neon_dotprod(const struct eq_gemm_s8_s8_b1 *args) { panel_run((low_args)(const void *)args, ENGINE); }
