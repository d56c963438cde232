/* SPEC 1.2: requantization with one rounding, in integers. Nothing here can overflow, whatever the arguments that pass the checks. */
#ifndef EQ_ROUND_H
#define EQ_ROUND_H
#include <stdint.h>

enum { EQ_RQ_N_MIN = -22, EQ_RQ_N_MAX = 31, EQ_RQ16_N_MIN = -15 };

/* A pair from a file: m = 0 or in [2^30, 2^31), n in its range. */
static inline int eq_rq_valid(int32_t m, int32_t n) { return n >= EQ_RQ_N_MIN && n <= EQ_RQ_N_MAX && (m == 0 || m >= (int32_t)1 << 30); }

/* A zero point and a clamp of int8 from a file. */
static inline int eq_s8_valid(int32_t zero, int32_t lo, int32_t hi) {
    return zero >= INT8_MIN && zero <= INT8_MAX && lo >= INT8_MIN && lo <= hi && hi <= INT8_MAX;
}

/* floor(acc m 2^-(31+n) + 1/2), within [-2^30, 2^30]. For n < 1 acc is shifted left first; an acc that would leave 32 bits saturates:
 * the result then is at least 2^28 in magnitude (m = 0 apart), far beyond any int8 clamp, so clamped results are exact for every acc. */
static inline int32_t eq_requantize(int32_t acc, int32_t m, int32_t n) {
    if (n < 1) {
        const int32_t limit = INT32_MAX >> (1 - n);
        acc = acc < -limit ? -limit : acc > limit ? limit : acc;
        acc *= (int32_t)1 << (1 - n);
        n = 1;
    }
    return (int32_t)(((int64_t)acc * m + ((int64_t)1 << (30 + n))) >> (31 + n));
}

/* The same of sums of 64 bits, for outputs of int16. */
static inline int eq_rq16_valid(int32_t m, int32_t n) { return n >= EQ_RQ16_N_MIN && eq_rq_valid(m, n); }
static inline int eq_s16_valid(int32_t lo, int32_t hi) { return lo >= INT16_MIN && lo <= hi && hi <= INT16_MAX; }

/* floor(acc m 2^-(31+n) + 1/2) for |acc| < 2^47. acc = high 2^16 + low, and what low and the half have below 2^16 cannot change a floor. */
static inline int64_t eq_requantize_wide(int64_t acc, int32_t m, int32_t n) {
    const int64_t high = acc >> 16, low = acc & 0xffff;
    return (high * m + ((low * m + ((int64_t)1 << (30 + n))) >> 16)) >> (15 + n);
}

static inline int16_t eq_clamp_s16(int64_t v, int32_t lo, int32_t hi) { return (int16_t)(v < lo ? lo : v > hi ? hi : v); }

/* clamp(zero + v); v as eq_requantize gives it, zero of int8. */
static inline int8_t eq_clamp_s8(int32_t v, int32_t zero, int32_t lo, int32_t hi) {
    v += zero;
    return (int8_t)(v < lo ? lo : v > hi ? hi : v);
}
#endif
