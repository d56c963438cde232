/* The same with 32 bits. */
#define eq_maxpool_s8_s8_s8__neon eq_maxpool_s8_s8_s8__neon_armv7
#include "maxpool_s8_s8_s8__neon.c"
