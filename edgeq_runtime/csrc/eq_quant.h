/* SPEC 1.1: between float32 and int8. */
#ifndef EQ_QUANT_H
#define EQ_QUANT_H
#include <float.h>
#include <stdint.h>

/* A scale from a file: a positive normal float32. */
static inline int eq_scale_valid(float scale) { return scale >= FLT_MIN && scale <= FLT_MAX; }

/* clamp(zero + rint(x / scale), -128, 127); NaN gives zero. */
static inline int8_t eq_quantize(float x, float scale, int32_t zero) {
    float q = x / scale;
    q = q != q ? 0.0f : q;
    q = q < -512.0f ? -512.0f : q; /* still saturates for every zero point */
    q = q > 512.0f ? 512.0f : q;
    q = (q + 0x1.8p23f) - 0x1.8p23f; /* rounds to an integer, half to even */
    const int32_t v = zero + (int32_t)q;
    return (int8_t)(v < INT8_MIN ? INT8_MIN : v > INT8_MAX ? INT8_MAX : v);
}

static inline float eq_dequantize(int8_t q, float scale, int32_t zero) { return (float)(q - zero) * scale; }
#endif
