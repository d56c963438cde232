/* The same with 32 bits. */
#define eq_dwconv_s16_s16_s8__neon eq_dwconv_s16_s16_s8__neon_armv7
#include "dwconv_s16_s16_s8__neon.c"
