/* SPEC 1.1: between float32 and int8 or int16. */
#ifndef EQ_QUANT_H
#define EQ_QUANT_H
#include <stdint.h>
#include <string.h>

/* Of a float32 by its bits, which a processor without floating point compares as fast as any. */
static inline uint32_t eq_float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* A scale from a file: a positive normal float32. */
static inline int eq_scale_valid(float scale) { return eq_float_bits(scale) - 0x00800000u <= 0x7F7FFFFFu - 0x00800000u; }
/* x > 0. */
static inline int eq_is_positive(float x) { return eq_float_bits(x) - 1u < 0x7F800000u; }

/* rint(x / scale) within +-most, at which zero + q still saturates; NaN gives 0. */
static inline int32_t eq_steps(float x, float scale, float most) {
    float q = x / scale;
    q = q != q ? 0.0f : q;
    q = q < -most ? -most : q;
    q = q > most ? most : q;
    return (int32_t)((q + 0x1.8p23f) - 0x1.8p23f); /* rounds to an integer, half to even */
}

/* clamp(zero + rint(x / scale), -128, 127); NaN gives zero. */
static inline int8_t eq_quantize(float x, float scale, int32_t zero) {
    const int32_t v = zero + eq_steps(x, scale, 512.0f);
    return (int8_t)(v < INT8_MIN ? INT8_MIN : v > INT8_MAX ? INT8_MAX : v);
}

/* clamp(rint(x / scale), -32768, 32767); NaN gives 0. */
static inline int16_t eq_quantize_s16(float x, float scale) {
    const int32_t v = eq_steps(x, scale, 65536.0f);
    return (int16_t)(v < INT16_MIN ? INT16_MIN : v > INT16_MAX ? INT16_MAX : v);
}

static inline float eq_dequantize(int32_t q, float scale, int32_t zero) { return (float)(q - zero) * scale; }
#endif
