#include "neon_s2.h"
#include "neon_smlal.h"

void eq_gemm_s8_s8_s2__neon(const struct eq_gemm_s8_s8_s2 *args) { panel_run((low_args)(const void *)args, ENGINE); }
