/* A byte holds the signs of eight inputs: what is left of a bit is 0 for 1 and -128 for -1, so 64 times the sum of the inputs less twice
 * those whose sign is set. */
#define ARGS             eq_gemm_s8_s8_b1
#define UNIT             128
#define BIT(left, to, w) LEFT(left, to, w) TOP(to, to)
#define BIT_0(to, w)     LEFT(7, to, w)
#define BIT_1(to, w)     BIT(6, to, w)
#define BIT_2(to, w)     BIT(5, to, w)
#define BIT_3(to, w)     BIT(4, to, w)
#define BIT_4(to, w)     BIT(3, to, w)
#define BIT_5(to, w)     BIT(2, to, w)
#define BIT_6(to, w)     BIT(1, to, w)
#define BIT_7(to, w)     TOP(to, w)
#define TURN(FIELD)                                                                                                                        \
    FIELD(BIT_0, t) FIELD(BIT_1, t) FIELD(BIT_2, t) FIELD(BIT_3, t) FIELD(BIT_4, t) FIELD(BIT_5, t) FIELD(BIT_6, t) FIELD(BIT_7, t)
#define MASK    (-128)
#define DOWN    6
#define BASE(g) 64
#include "cortexm_mve_gemm.h"

void eq_gemm_s8_s8_b1__cortexm_mve(const struct eq_gemm_s8_s8_b1 *args) { gemm(args); }
