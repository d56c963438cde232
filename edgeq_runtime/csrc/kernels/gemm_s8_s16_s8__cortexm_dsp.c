/* A word holds two inputs of two channels. */
#define ARGS        eq_gemm_s8_s16_s8
#define UNIT        2
#define TURN(FIELD) FIELD("", ", #4")
#define TURNS       8
#define DOWN        0
#define UP(g)       0
#define BASE(g)     (-(g)->w_zero)
#include "cortexm_dsp_gemm.h"

void eq_gemm_s8_s16_s8__cortexm_dsp(const struct eq_gemm_s8_s16_s8 *args) { gemm(args); }
