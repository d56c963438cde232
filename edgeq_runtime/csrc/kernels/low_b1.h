/* Eight signs a byte. */
#ifndef EQ_KERNELS_LOW_B1_H
#define EQ_KERNELS_LOW_B1_H

enum { UNIT = 32, UP = 0, PLANES = 1, SIGNS = 1 };

EQ_INLINE vec step(vec unit, vec low, const int s) {
    (void)low;
    return v_signs(unit, s);
}

#include "low_u8.h"
#endif
