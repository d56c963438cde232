#include "op.h"

#define ONE ((uint32_t)1 << 23) /* table[0] */

int eq_prepare_softmax_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *t = eq_in(node, ctx->tensors, 1);
    EQ_NEED_SHAPE(eq_is_table(t, EQ_TYPE_s32, 256));
    const uint32_t *table = (const void *)t->data;
    EQ_NEED_SHAPE(table[0] == ONE);
    for (int d = 1; d < 256; d++) EQ_NEED_SHAPE(table[d] <= ONE);
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_s8, EQ_TYPE_s8);
}

/* The sum is at least table[0] and, with fewer than 2^31 elements, below 2^54. */
static void softmax(const uint32_t *table, const int8_t *x, int8_t *restrict y, size_t n) {
    int32_t max = INT8_MIN;
    for (size_t i = 0; i < n; i++) max = x[i] > max ? x[i] : max;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += table[max - x[i]];
    for (size_t i = 0; i < n; i++) {
        const uint64_t part = ((uint64_t)table[max - x[i]] * 512 + sum) / (2 * sum); /* 0..256 */
        y[i] = (int8_t)(part > 255 ? INT8_MAX : (int32_t)part - 128);
    }
}

void eq_run_softmax_s8(const struct eq_call *call) {
    const struct eq_tensor *t = eq_out(call->node, call->tensors, 0);
    const size_t n = eq_row_length(t), rows = eq_row_count(t);
    const int8_t *x = eq_read(call, 0);
    int8_t *y = eq_write(call, 0);
    for (size_t i = 0; i < rows; i++) softmax(eq_read(call, 1), x + i * n, y + i * n, n);
}
