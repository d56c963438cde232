/* The same with 32 bits. */
#define eq_gemm_b1_b1_b1__neon eq_gemm_b1_b1_b1__neon_armv7
#include "gemm_b1_b1_b1__neon.c"
