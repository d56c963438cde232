#include "binary_f32.h"

static inline float value(float a, float b) { return a > b ? a : b; }

EQ_BINARY_F32(max_f32)
