/* exp, tanh, sigmoid, pow of a float32, the same bits on every IEEE machine: double precision, only + - * / and bit operations,
 * one rounding to float32 at the end. SPEC.md 2.4 states every step; edgeq_runtime/fmath.py mirrors it. Needs -ffp-contract=off. */
#ifndef EQ_MATH_H
#define EQ_MATH_H
#include <math.h> /* NAN and INFINITY; nothing of libm is called */
#include <stdint.h>
#include <string.h>

#define EQ_LN2     0x1.62e42fefa39efp-1
#define EQ_LOG2E   0x1.71547652b82fep+0
#define EQ_ROUNDER 0x1.8p52 /* adding it rounds |x| < 2^51 to an integer, half to even, and leaves that integer in the low bits */

static inline uint64_t eq_bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double eq_double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp in double, relative error below 2^-41; beyond +-200 that of +-200, which is already 0 or infinity in float32. NaN stays NaN. */
static inline double eq_exp_double(double x) {
    x = x < -200.0 ? -200.0 : x;
    x = x > 200.0 ? 200.0 : x;
    const double shifted = x * EQ_LOG2E + EQ_ROUNDER;
    const double r = x - (shifted - EQ_ROUNDER) * EQ_LN2;
    double p = 0x1.27e4fb7789f5cp-22; /* 1/10! */
    p = p * r + 0x1.71de3a556c734p-19;
    p = p * r + 0x1.a01a01a01a01ap-16;
    p = p * r + 0x1.a01a01a01a01ap-13;
    p = p * r + 0x1.6c16c16c16c17p-10;
    p = p * r + 0x1.1111111111111p-7;
    p = p * r + 0x1.5555555555555p-5;
    p = p * r + 0x1.5555555555555p-3;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    return p * eq_double_of((eq_bits_of(shifted) + 1023u) << 52);
}

/* Natural logarithm of a positive, finite, normal double; relative error below 2^-49. */
static inline double eq_log_double(double x) {
    const uint64_t bits = eq_bits_of(x);
    const uint64_t above = bits - UINT64_C(0x3fe6a09e667f3bcd); /* sqrt(1/2): the mantissa f comes to lie in [sqrt(1/2), sqrt(2)) */
    const int64_t e = (int64_t)above >> 52;
    const double f = eq_double_of(bits - (above & UINT64_C(0xfff0000000000000)));
    const double s = (f - 1.0) / (f + 1.0);
    const double z = s * s;
    double p = 0x1.e1e1e1e1e1e1ep-5; /* 1/17 */
    p = p * z + 0x1.1111111111111p-4;
    p = p * z + 0x1.3b13b13b13b14p-4;
    p = p * z + 0x1.745d1745d1746p-4;
    p = p * z + 0x1.c71c71c71c71cp-4;
    p = p * z + 0x1.2492492492492p-3;
    p = p * z + 0x1.999999999999ap-3;
    p = p * z + 0x1.5555555555555p-2;
    p = p * z + 1.0;
    return (double)e * EQ_LN2 + (s + s) * p;
}

static inline float eq_exp(float x) { return (float)eq_exp_double((double)x); }

static inline float eq_sigmoid(float x) { return (float)(1.0 / (1.0 + eq_exp_double(-(double)x))); }

static inline float eq_tanh(float x) {
    const double v = (double)x;
    const double a = v < 0.0 ? -v : v;
    const double e = eq_exp_double(-2.0 * a);
    const double far = (1.0 - e) / (1.0 + e);
    const double near = v * (1.0 - v * v * 0x1.5555555555555p-2); /* keeps -0 and what 1 - e would lose */
    return (float)(a < 0x1p-10 ? near : v < 0.0 ? -far : far);
}

/* |x|^y for neither of them NaN, y not 0. */
static inline double eq_pow_magnitude(float x, float y) {
    if (x == 0.0f) return y < 0.0f ? (double)INFINITY : 0.0;
    if (x == 1.0f) return 1.0;
    if (x == INFINITY) return y < 0.0f ? 0.0 : (double)INFINITY;
    if (y == INFINITY || y == -INFINITY) return (x > 1.0f) == (y > 0.0f) ? (double)INFINITY : 0.0;
    return eq_exp_double((double)y * eq_log_double((double)x));
}

static inline float eq_pow(float x, float y) {
    if (y == 0.0f || x == 1.0f) return 1.0f;
    if (x != x || y != y) return NAN;
    uint32_t word;
    memcpy(&word, &x, sizeof word);
    const int negative = (word >> 31) != 0;
    const int small = y > -0x1p24f && y < 0x1p24f; /* a float32 beyond is an even integer */
    const int whole = !small || (float)(int32_t)y == y;
    const int odd = small && whole && ((int32_t)y & 1);
    const float a = negative ? -x : x;
    if (negative && !whole && a != 0.0f && a != INFINITY) return NAN;
    const double magnitude = eq_pow_magnitude(a, y);
    return (float)(negative && odd ? -magnitude : magnitude);
}
#endif
