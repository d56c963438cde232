/* The same with 32 bits. */
#define eq_sign_b1_s8_s8__neon eq_sign_b1_s8_s8__neon_armv7
#include "sign_b1_s8_s8__neon.c"
