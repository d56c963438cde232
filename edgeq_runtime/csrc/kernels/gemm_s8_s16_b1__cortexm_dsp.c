/* A word holds the signs of 16 inputs of two channels: what is left of a bit is 0 for 1 and -128 for -1, so 64 times the sum of the inputs
 * less twice those whose sign is set. */
#define ARGS       eq_gemm_s8_s16_b1
#define UNIT       16
#define LEFT(bits) "lsl %[w], %[w], #" #bits "\n\t"
#define MASK       "and %[w], %[w], #0x80808080\n\t"
#define TURN(FIELD)                                                                                                                        \
    FIELD(LEFT(7) MASK, "")                                                                                                                \
    FIELD(LEFT(6) MASK, "")                                                                                                                \
    FIELD(LEFT(5) MASK, "")                                                                                                                \
    FIELD(LEFT(4) MASK, "")                                                                                                                \
    FIELD(LEFT(3) MASK, "")                                                                                                                \
    FIELD(LEFT(2) MASK, "")                                                                                                                \
    FIELD(LEFT(1) MASK, "")                                                                                                                \
    FIELD(MASK, ", #4")
#define TURNS   1
#define DOWN    6
#define UP(g)   0
#define BASE(g) 64
#include "cortexm_dsp_gemm.h"

void eq_gemm_s8_s16_b1__cortexm_dsp(const struct eq_gemm_s8_s16_b1 *args) { gemm(args); }
