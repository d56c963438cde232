#include "low_portable.h"

LOW_BAND(s8_s8_b1, int8_t, 1)
