/* Two nibbles of each of two planes a byte. */
#ifndef EQ_KERNELS_VNNI_S4X2_H
#define EQ_KERNELS_VNNI_S4X2_H

enum { UNIT = 8, UP = 0, PLANES = 2, SIGNS = 0 };

EQ_INLINE vec step(vec unit, vec low, const int s) { return s ? v_join(unit, v_down(low, 4)) : v_join(v_up(unit, 4), low); }

#define LOW_ARGS eq_gemm_s8_u8_s8
#include "low.h"
#endif
