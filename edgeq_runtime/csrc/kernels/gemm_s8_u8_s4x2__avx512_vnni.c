#include "vnni512.h"

#include "vnni_s4x2.h"

#include "vnni_low.h"

void eq_gemm_s8_u8_s4x2__avx512_vnni(const struct eq_gemm_s8_u8_s4x2 *args) { low_run((low_args)(const void *)args); }
