#include "low_portable.h"

LOW_BAND(s8_s8_s4, int8_t, 4)
