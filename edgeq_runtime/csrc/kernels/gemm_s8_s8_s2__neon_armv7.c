/* The same with 32 bits. */
#define eq_gemm_s8_s8_s2__neon eq_gemm_s8_s8_s2__neon_armv7
#include "gemm_s8_s8_s2__neon.c"
