#include "broadcast.h"

/* Magnitudes below 2^15: two products with int16 then add up to less than 2^31. */
static bool is_factor(int32_t v) { return v > INT16_MIN && v <= INT16_MAX; }

int eq_prepare_add_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_add_s16_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_s16_valid(a->lo, a->hi) && is_factor(a->a_mul) && is_factor(a->b_mul));
    EQ_NEED_SHAPE(a->shift >= 1 && a->shift <= 30);
    return eq_prepare_broadcast(node, ctx, EQ_TYPE_s16);
}

/* Half of a step is added after all bits but one have gone: the same floor, and the sum stays in 32 bits. */
EQ_INLINE void loop(const struct eq_row *row, size_t a_step, size_t b_step) {
    const struct eq_add_s16_attrs attrs = *(const struct eq_add_s16_attrs *)row->call->node->attrs;
    const int16_t *a = row->a, *b = row->b, a_mul = (int16_t)attrs.a_mul, b_mul = (int16_t)attrs.b_mul;
    const int shift = attrs.shift - 1;
    int16_t *restrict y = row->y;
    for (size_t i = 0, n = row->n; i < n; i++) {
        const int32_t sum = a_mul * a[i * a_step] + b_mul * b[i * b_step];
        const int32_t v = ((sum >> shift) + 1) >> 1;
        y[i] = (int16_t)(v < attrs.lo ? attrs.lo : v > attrs.hi ? attrs.hi : v);
    }
}

static void row_of(const struct eq_row *row) { EQ_BY_STEPS(row, loop); }

void eq_run_add_s16(const struct eq_call *call) { eq_run_broadcast(call, row_of); }
