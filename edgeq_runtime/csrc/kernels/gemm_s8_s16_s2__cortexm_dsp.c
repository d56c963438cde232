/* A word holds eight inputs of two channels, in fields of 2 bits. */
#define ARGS       eq_gemm_s8_s16_s2
#define UNIT       8
#define LEFT(bits) "lsl %[w], %[w], #" #bits "\n\t"
#define MASK       "and %[w], %[w], #0xc0c0c0c0\n\t"
#define TURN(FIELD)                                                                                                                        \
    FIELD(LEFT(6) MASK, "")                                                                                                                \
    FIELD(LEFT(4) MASK, "")                                                                                                                \
    FIELD(LEFT(2) MASK, "")                                                                                                                \
    FIELD(MASK, ", #4")
#define TURNS   1
#define DOWN    6
#define UP(g)   0
#define BASE(g) 0
#include "cortexm_dsp_gemm.h"

void eq_gemm_s8_s16_s2__cortexm_dsp(const struct eq_gemm_s8_s16_s2 *args) { gemm(args); }
