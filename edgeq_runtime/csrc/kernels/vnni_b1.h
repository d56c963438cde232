/* Eight signs a byte. */
#ifndef EQ_KERNELS_VNNI_B1_H
#define EQ_KERNELS_VNNI_B1_H

enum { UNIT = 32, UP = 0, PLANES = 1, SIGNS = 1 };

EQ_INLINE vec step(vec unit, vec low, const int s) {
    (void)low;
    return v_signs(unit, s);
}

#define LOW_ARGS eq_gemm_s8_u8_s8
#include "low.h"
#endif
