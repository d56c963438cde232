#include "low_portable.h"

LOW_WIDE(s8_s16_s4x2, 4)
