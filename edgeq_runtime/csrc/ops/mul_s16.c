#include "broadcast.h"

int eq_prepare_mul_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_mul_s16_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_s16_valid(a->lo, a->hi) && eq_rq16_valid(a->m, a->n));
    return eq_prepare_broadcast(node, ctx, EQ_TYPE_s16);
}

EQ_INLINE void loop(const struct eq_row *row, size_t a_step, size_t b_step) {
    const struct eq_mul_s16_attrs attrs = *(const struct eq_mul_s16_attrs *)row->call->node->attrs;
    const int16_t *a = row->a, *b = row->b;
    int16_t *restrict y = row->y;
    for (size_t i = 0, n = row->n; i < n; i++) {
        y[i] = eq_clamp_s16(eq_requantize_wide(a[i * a_step] * b[i * b_step], attrs.m, attrs.n), attrs.lo, attrs.hi);
        EQ_KEEP_SCALAR;
    }
}

static void row_of(const struct eq_row *row) { EQ_BY_STEPS(row, loop); }

void eq_run_mul_s16(const struct eq_call *call) { eq_run_broadcast(call, row_of); }
