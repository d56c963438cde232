#include "low_portable.h"

LOW_BAND(s8_u8_s4, uint8_t, 4)
