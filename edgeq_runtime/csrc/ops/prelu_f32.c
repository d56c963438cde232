#include "prelu.h"

int eq_prepare_prelu_f32(struct eq_node *node, const struct eq_prepare *ctx) { return eq_prepare_prelu(node, ctx, EQ_TYPE_f32); }

EQ_INLINE void loop(const struct eq_row *row, size_t x_step, size_t alpha_step) {
    const float *x = row->a, *alpha = row->b;
    float *restrict y = row->y;
    for (size_t i = 0, n = row->n; i < n; i++) {
        const float v = x[i * x_step], scaled = v * alpha[i * alpha_step];
        y[i] = v < 0.0f ? scaled : v;
    }
}

static void row_of(const struct eq_row *row) { EQ_BY_STEPS(row, loop); }

void eq_run_prelu_f32(const struct eq_call *call) { eq_run_broadcast(call, row_of); }
