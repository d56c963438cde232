#include "extreme_s8.h"

static inline int8_t value(int8_t a, int8_t b) { return a < b ? a : b; }

EQ_EXTREME_S8(min_s8)
