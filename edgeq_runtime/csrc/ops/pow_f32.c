#include "broadcast.h"
#include "eq_math.h"

int eq_prepare_pow_f32(struct eq_node *node, const struct eq_prepare *ctx) { return eq_prepare_broadcast(node, ctx, EQ_TYPE_f32); }

static void row_of(const struct eq_row *row) {
    const float *a = row->a, *b = row->b;
    float *y = row->y;
    const size_t a_step = (size_t)row->a_step, b_step = (size_t)row->b_step;
    for (size_t i = 0, n = row->n; i < n; i++) y[i] = eq_pow(a[i * a_step], b[i * b_step]);
}

void eq_run_pow_f32(const struct eq_call *call) { eq_run_broadcast(call, row_of); }
