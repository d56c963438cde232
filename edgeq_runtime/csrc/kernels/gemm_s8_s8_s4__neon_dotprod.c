#include "neon_s4.h"
#include "neon_sdot.h"

void eq_gemm_s8_s8_s4__neon_dotprod(const struct eq_gemm_s8_s8_s4 *args) { panel_run((low_args)(const void *)args, ENGINE); }
