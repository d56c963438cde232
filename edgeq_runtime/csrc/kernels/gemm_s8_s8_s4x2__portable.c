#include "low_portable.h"

LOW_BAND(s8_s8_s4x2, int8_t, 4)
