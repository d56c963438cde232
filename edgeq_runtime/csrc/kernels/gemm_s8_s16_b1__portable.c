#include "low_portable.h"

LOW_WIDE(s8_s16_b1, 1)
