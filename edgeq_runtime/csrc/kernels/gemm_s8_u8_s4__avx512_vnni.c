#include "vnni512.h"

#include "vnni_s4.h"

#include "vnni_low.h"

void eq_gemm_s8_u8_s4__avx512_vnni(const struct eq_gemm_s8_u8_s4 *args) { low_run((low_args)(const void *)args); }
