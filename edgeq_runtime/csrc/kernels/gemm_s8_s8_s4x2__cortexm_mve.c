/* Two weights a byte, and what is added to 16 times of each in a plane of its own. The lower half of a weight is joined as it lies and its
 * sign turned, which makes it a number from 0 on that is 8 too large. */
#define ARGS        eq_gemm_s8_s8_s4x2
#define UNIT        32
#define TURNED(to)  "veor " Q(to) ", " Q(to) ", %q[mask]\n\t"
#define LOW(to, w)  "vmov " Q(to) ", " Q(LOW_OF_##w) "\n\tvsli.8 " Q(to) ", " Q(w) ", #4\n\t" TURNED(to)
#define HIGH(to, w) "vsri.8 " Q(w) ", " Q(LOW_OF_##w) ", #4\n\t" TURNED(w)
#define LOW_OF_w0   l0
#define LOW_OF_w1   l1
#define TURN(FIELD) FIELD(LOW, t) FIELD(HIGH, w)
#define NESTED(sum, from)                                                                                                                  \
    LOAD(w0, "[%[p]" from)                                                                                                                 \
    LOAD(l0, "[%[low]" from) LOW(t0, w0) PRODUCT_OF(sum, x, t0) HIGH(w0, w0) PRODUCT_OF(sum, t1, w0)
#define MASK    8
#define DOWN    0
#define BASE(g) (-8)
#include "cortexm_mve_gemm.h"

void eq_gemm_s8_s8_s4x2__cortexm_mve(const struct eq_gemm_s8_s8_s4x2 *args) { gemm(args); }
