#include "prelu.h"

int eq_prepare_prelu_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_prelu_s8_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_is_s8(a->x_zero) && eq_is_s8(a->y_zero));
    EQ_NEED_SHAPE(eq_rq_valid(a->m_pos, a->n_pos) && eq_rq_valid(a->m_neg, a->n_neg));
    return eq_prepare_prelu(node, ctx, EQ_TYPE_s8);
}

EQ_INLINE void loop(const struct eq_row *row, size_t x_step, size_t alpha_step) {
    const struct eq_prelu_s8_attrs attrs = *(const struct eq_prelu_s8_attrs *)row->call->node->attrs;
    const int8_t *x = row->a, *alpha = row->b;
    int8_t *restrict y = row->y;
    for (size_t i = 0, n = row->n; i < n; i++) {
        const int32_t d = x[i * x_step] - attrs.x_zero;
        const int32_t v =
            d >= 0 ? eq_requantize(d, attrs.m_pos, attrs.n_pos) : eq_requantize(d * alpha[i * alpha_step], attrs.m_neg, attrs.n_neg);
        y[i] = eq_clamp_s8(v, attrs.y_zero, INT8_MIN, INT8_MAX);
    }
}

static void row_of(const struct eq_row *row) { EQ_BY_STEPS(row, loop); }

void eq_run_prelu_s8(const struct eq_call *call) { eq_run_broadcast(call, row_of); }
