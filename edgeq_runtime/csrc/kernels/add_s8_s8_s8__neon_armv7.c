/* The same with 32 bits. */
#define eq_add_s8_s8_s8__neon eq_add_s8_s8_s8__neon_armv7
#include "add_s8_s8_s8__neon.c"
