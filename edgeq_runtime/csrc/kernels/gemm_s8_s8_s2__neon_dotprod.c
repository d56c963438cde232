#include "neon_s2.h"
#include "neon_sdot.h"

void eq_gemm_s8_s8_s2__neon_dotprod(const struct eq_gemm_s8_s8_s2 *args) { panel_run((low_args)(const void *)args, ENGINE); }
