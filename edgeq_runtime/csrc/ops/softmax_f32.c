#include "eq_math.h"
#include "op.h"

int eq_prepare_softmax_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_f32, EQ_TYPE_f32);
}

static void softmax(const float *x, float *restrict y, size_t n) {
    float max = -INFINITY, sum = 0.0f;
    for (size_t i = 0; i < n; i++) max = x[i] > max ? x[i] : max;
    for (size_t i = 0; i < n; i++) y[i] = eq_exp(x[i] - max);
    for (size_t i = 0; i < n; i++) sum += y[i];
    for (size_t i = 0; i < n; i++) y[i] /= sum;
}

void eq_run_softmax_f32(const struct eq_call *call) {
    const struct eq_tensor *t = eq_out(call->node, call->tensors, 0);
    const size_t n = eq_row_length(t), rows = eq_row_count(t);
    const float *x = eq_read(call, 0);
    float *y = eq_write(call, 0);
    for (size_t i = 0; i < rows; i++) softmax(x + i * n, y + i * n, n);
}
