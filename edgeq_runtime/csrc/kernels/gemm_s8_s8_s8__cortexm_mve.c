/* A byte holds a weight. */
#define ARGS eq_gemm_s8_s8_s8
#define UNIT 16
#define AS_IT_IS(to, w)
#define TURN(FIELD) FIELD(AS_IT_IS, w)
#define MASK        -1
#define DOWN        0
#define BASE(g)     (-(g)->w_zero)
#include "cortexm_mve_gemm.h"

void eq_gemm_s8_s8_s8__cortexm_mve(const struct eq_gemm_s8_s8_s8 *args) { gemm(args); }
