/* The same with 32 bits. */
#define eq_sum_s32_s8_s8__neon eq_sum_s32_s8_s8__neon_armv7
#include "sum_s32_s8_s8__neon.c"
