#include "low_portable.h"

LOW_BAND(s8_u8_s2, uint8_t, 2)
