#include "vnni256.h"

#include "vnni_s2.h"

#include "vnni_low.h"

void eq_gemm_s8_u8_s2__avx_vnni(const struct eq_gemm_s8_u8_s2 *args) { low_run((low_args)(const void *)args); }
