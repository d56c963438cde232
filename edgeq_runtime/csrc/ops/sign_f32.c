#include "broadcast.h"

int eq_prepare_sign_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *t = eq_in(node, ctx->tensors, 1);
    EQ_NEED_SHAPE(eq_same_dims(x, eq_out(node, ctx->tensors, 0)));
    if (node->input_count > 2) {
        const struct eq_tensor *turn = eq_in(node, ctx->tensors, 2);
        EQ_NEED_TYPE(turn, EQ_TYPE_f32);
        EQ_NEED_SHAPE(eq_same_dims(t, turn));
    }
    return eq_prepare_broadcast(node, ctx, EQ_TYPE_f32);
}

/* turn lies as t does. */
EQ_INLINE void loop(const struct eq_row *row, size_t x_step, size_t t_step) {
    const struct eq_sign_f32_attrs *a = row->call->node->attrs;
    const float *x = row->a, *t = row->b, plus = a->plus, minus = a->minus;
    float *restrict y = row->y;
    for (size_t i = 0, n = row->n; i < n; i++) y[i] = x[i * x_step] < t[i * t_step] ? minus : plus;
    if (row->call->node->input_count < 3) return;
    const float *turn = (const float *)eq_read(row->call, 2) + (t - (const float *)eq_read(row->call, 1));
    for (size_t i = 0, n = row->n; i < n; i++) {
        if (turn[i * t_step] < 0.0f) y[i] = x[i * x_step] < t[i * t_step] ? plus : minus;
    }
}

static void row_of(const struct eq_row *row) { EQ_BY_STEPS(row, loop); }

void eq_run_sign_f32(const struct eq_call *call) { eq_run_broadcast(call, row_of); }
