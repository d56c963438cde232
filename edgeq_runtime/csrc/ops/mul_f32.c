#include "binary_f32.h"

static inline float value(float a, float b) { return a * b; }

EQ_BINARY_F32(mul_f32)
