#include "neon_s4x2.h"
#include "neon_smlal.h"

void eq_gemm_s8_s8_s4x2__neon(const struct eq_gemm_s8_s8_s4x2 *args) { panel_run((low_args)(const void *)args, ENGINE); }
