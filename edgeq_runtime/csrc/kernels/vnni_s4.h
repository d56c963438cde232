/* Two 4-bit weights a byte, each taken where it stands for 16 times itself: no sign needs to be extended. */
#ifndef EQ_KERNELS_VNNI_S4_H
#define EQ_KERNELS_VNNI_S4_H

enum { UNIT = 8, UP = 4, PLANES = 1, SIGNS = 0 };

EQ_INLINE vec step(vec unit, vec low, const int s) {
    (void)low;
    return v_keep(s ? unit : v_up(unit, 4), 0xf0);
}

#define LOW_ARGS eq_gemm_s8_u8_s8
#include "low.h"
#endif
