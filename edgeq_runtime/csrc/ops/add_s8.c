#include "broadcast.h"

int eq_prepare_add_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_add_s8_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_is_s8(a->a_zero) && eq_is_s8(a->b_zero) && eq_s8_valid(a->y_zero, a->lo, a->hi));
    EQ_NEED_SHAPE(a->a_mul == (int16_t)a->a_mul && a->b_mul == (int16_t)a->b_mul);
    EQ_NEED_SHAPE(a->shift >= 1 && a->shift <= 30);
    return eq_prepare_broadcast(node, ctx, EQ_TYPE_s8);
}

struct terms {
    int16_t a_mul, b_mul;
    int32_t constant, shift, zero, lo, hi;
};

static struct terms terms_of(const struct eq_add_s8_attrs *a) {
    const int32_t constant = ((int32_t)1 << (a->shift - 1)) - a->a_mul * a->a_zero - a->b_mul * a->b_zero;
    return (struct terms){(int16_t)a->a_mul, (int16_t)a->b_mul, constant, a->shift, a->y_zero, a->lo, a->hi};
}

/* Every sum stays in int32: |mul (q - zero)| <= 2^15 255 for each input, 2^29 for the rounding. */
static inline int32_t sum(struct terms t, int8_t a, int8_t b) {
    return (t.a_mul * (int16_t)a + t.b_mul * (int16_t)b + t.constant) >> t.shift;
}

EQ_INLINE void any_shift(const struct eq_row *row, size_t a_step, size_t b_step) {
    const struct terms t = terms_of(row->call->node->attrs);
    const int8_t *a = row->a, *b = row->b;
    int8_t *restrict y = row->y;
    for (size_t i = 0, n = row->n; i < n; i++) y[i] = eq_clamp_s8(sum(t, a[i * a_step], b[i * b_step]), t.zero, t.lo, t.hi);
}

/* From NARROW on the shifted sum is at most 2^14 in magnitude: the rest is int16, twice as many to a vector. */
enum { NARROW = 10 };

EQ_INLINE void narrow(const struct eq_row *row, size_t a_step, size_t b_step) {
    const struct terms t = terms_of(row->call->node->attrs);
    const int16_t zero = (int16_t)t.zero, lo = (int16_t)t.lo, hi = (int16_t)t.hi;
    const int8_t *a = row->a, *b = row->b;
    int8_t *restrict y = row->y;
    for (size_t i = 0, n = row->n; i < n; i++) {
        const int16_t v = (int16_t)((int16_t)sum(t, a[i * a_step], b[i * b_step]) + zero);
        const int16_t w = v < lo ? lo : v;
        y[i] = (int8_t)(w > hi ? hi : w);
    }
}

static void row_any(const struct eq_row *row) { EQ_BY_STEPS(row, any_shift); }
static void row_narrow(const struct eq_row *row) { EQ_BY_STEPS(row, narrow); }

void eq_run_add_s8(const struct eq_call *call) {
    const struct eq_add_s8_attrs *attrs = call->node->attrs;
    eq_run_broadcast(call, attrs->shift >= NARROW ? row_narrow : row_any);
}
