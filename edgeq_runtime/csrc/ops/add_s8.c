#include "broadcast.h"

int eq_prepare_add_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_add_s8_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_is_s8(a->a_zero) && eq_is_s8(a->b_zero) && eq_s8_valid(a->y_zero, a->lo, a->hi));
    EQ_NEED_SHAPE(a->a_mul == (int16_t)a->a_mul && a->b_mul == (int16_t)a->b_mul);
    EQ_NEED_SHAPE(a->shift >= 1 && a->shift <= 30);
    return eq_prepare_broadcast(node, ctx, EQ_TYPE_s8);
}

/* Every sum stays in int32: |mul (q - zero)| <= 2^15 255 for each input, 2^29 for the rounding. */
EQ_INLINE void loop(const struct eq_row *row, size_t a_step, size_t b_step) {
    const struct eq_add_s8_attrs *attrs = row->call->node->attrs;
    const int16_t a_mul = (int16_t)attrs->a_mul, b_mul = (int16_t)attrs->b_mul;
    const int32_t shift = attrs->shift, zero = attrs->y_zero, lo = attrs->lo, hi = attrs->hi;
    const int32_t constant = ((int32_t)1 << (shift - 1)) - a_mul * attrs->a_zero - b_mul * attrs->b_zero;
    const int8_t *a = row->a, *b = row->b;
    int8_t *restrict y = row->y;
    for (size_t i = 0; i < row->n; i++) {
        const int16_t p = a[i * a_step], q = b[i * b_step];
        y[i] = eq_clamp_s8((a_mul * p + b_mul * q + constant) >> shift, zero, lo, hi);
    }
}

static void row_of(const struct eq_row *row) { EQ_BY_STEPS(row, loop); }

void eq_run_add_s8(const struct eq_call *call) { eq_run_broadcast(call, row_of); }
