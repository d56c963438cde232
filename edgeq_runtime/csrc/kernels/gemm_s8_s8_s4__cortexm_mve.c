/* A byte holds two weights, in fields of 4 bits. */
#define ARGS        eq_gemm_s8_s8_s4
#define UNIT        32
#define LOW(to, w)  LEFT(4, to, w)
#define HIGH(to, w) TOP(to, w)
#define TURN(FIELD) FIELD(LOW, t) FIELD(HIGH, t)
#define MASK        (-16)
#define DOWN        4
#define BASE(g)     0
#include "cortexm_mve_gemm.h"

void eq_gemm_s8_s8_s4__cortexm_mve(const struct eq_gemm_s8_s8_s4 *args) { gemm(args); }
