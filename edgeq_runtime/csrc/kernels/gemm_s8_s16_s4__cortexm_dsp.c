/* A word holds four inputs of two channels, in fields of 4 bits. */
#define ARGS       eq_gemm_s8_s16_s4
#define UNIT       4
#define LEFT(bits) "lsl %[w], %[w], #" #bits "\n\t"
#define MASK       "and %[w], %[w], #0xf0f0f0f0\n\t"
#define TURN(FIELD)                                                                                                                        \
    FIELD(LEFT(4) MASK, "")                                                                                                                \
    FIELD(MASK, ", #4")
#define TURNS   4
#define DOWN    4
#define UP(g)   ((g)->up)
#define BASE(g) 0
#include "cortexm_dsp_gemm.h"

void eq_gemm_s8_s16_s4__cortexm_dsp(const struct eq_gemm_s8_s16_s4 *args) { gemm(args); }
