/* Four 2-bit weights a byte, each taken where it stands for 64 times itself. */
#ifndef EQ_KERNELS_VNNI_S2_H
#define EQ_KERNELS_VNNI_S2_H

enum { UNIT = 16, UP = 6, PLANES = 1, SIGNS = 0 };

EQ_INLINE vec step(vec unit, vec low, const int s) {
    (void)low;
    return v_keep(s == 0 ? v_up(unit, 6) : s == 1 ? v_up(unit, 4) : s == 2 ? v_up(unit, 2) : unit, 0xc0);
}

#define LOW_ARGS eq_gemm_s8_u8_s8
#include "low.h"
#endif
