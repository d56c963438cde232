#include "low_portable.h"

LOW_BAND(s8_u8_s4x2, uint8_t, 4)
