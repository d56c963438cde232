/* eq_round.h over arrays, for test_requantize.py. */
#include "eq_round.h"
#include <stddef.h>

void requantize_many(size_t count, const int32_t *acc, const int32_t *m, const int8_t *n, int32_t *out) {
    for (size_t i = 0; i < count; i++) out[i] = eq_requantize(acc[i], m[i], n[i]);
}

void clamp_many(size_t count, const int32_t *v, const int8_t *zero, int8_t *out) {
    for (size_t i = 0; i < count; i++) out[i] = eq_clamp_s8(v[i], zero[i], -128, 127);
}

int valid(int32_t m, int32_t n) { return eq_rq_valid(m, n); }
