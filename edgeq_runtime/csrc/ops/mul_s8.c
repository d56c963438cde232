#include "broadcast.h"

int eq_prepare_mul_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_mul_s8_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_is_s8(a->a_zero) && eq_is_s8(a->b_zero) && eq_s8_valid(a->y_zero, a->lo, a->hi));
    EQ_NEED_SHAPE(eq_rq_valid(a->m, a->n));
    return eq_prepare_broadcast(node, ctx, EQ_TYPE_s8);
}

EQ_INLINE void loop(const struct eq_row *row, size_t a_step, size_t b_step) {
    const struct eq_mul_s8_attrs attrs = *(const struct eq_mul_s8_attrs *)row->call->node->attrs;
    const int8_t *a = row->a, *b = row->b;
    int8_t *restrict y = row->y;
    for (size_t i = 0, n = row->n; i < n; i++) {
        const int32_t product = (a[i * a_step] - attrs.a_zero) * (b[i * b_step] - attrs.b_zero);
        y[i] = eq_clamp_s8(eq_requantize(product, attrs.m, attrs.n), attrs.y_zero, attrs.lo, attrs.hi);
        EQ_KEEP_SCALAR;
    }
}

static void row_of(const struct eq_row *row) { EQ_BY_STEPS(row, loop); }

void eq_run_mul_s8(const struct eq_call *call) { eq_run_broadcast(call, row_of); }
