#include "vnni512.h"

#include "vnni_b1.h"

#include "vnni_low.h"

void eq_gemm_s8_u8_b1__avx512_vnni(const struct eq_gemm_s8_u8_b1 *args) { low_run((low_args)(const void *)args); }
