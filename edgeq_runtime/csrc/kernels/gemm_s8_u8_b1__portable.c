#include "low_portable.h"

LOW_BAND(s8_u8_b1, uint8_t, 1)
