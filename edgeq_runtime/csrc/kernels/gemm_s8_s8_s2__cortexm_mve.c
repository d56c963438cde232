/* A byte holds four weights, in fields of 2 bits. */
#define ARGS          eq_gemm_s8_s8_s2
#define UNIT          64
#define FIRST(to, w)  LEFT(6, to, w)
#define SECOND(to, w) LEFT(4, to, w) TOP(to, to)
#define THIRD(to, w)  LEFT(2, to, w) TOP(to, to)
#define LAST(to, w)   TOP(to, w)
#define TURN(FIELD)   FIELD(FIRST, t) FIELD(SECOND, t) FIELD(THIRD, t) FIELD(LAST, t)
#define MASK          (-64)
#define DOWN          6
#define BASE(g)       0
#include "cortexm_mve_gemm.h"

void eq_gemm_s8_s8_s2__cortexm_mve(const struct eq_gemm_s8_s8_s2 *args) { gemm(args); }
