/* The same with 32 bits. */
#define eq_gemm_s16_s16_s8__neon eq_gemm_s16_s16_s8__neon_armv7
#include "gemm_s16_s16_s8__neon.c"
