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

static int8_t highest(const int8_t *x, size_t n) {
    int8_t max = INT8_MIN;
    for (size_t i = 0; i < n; i++) max = x[i] > max ? x[i] : max;
    return max;
}

/* floor((512 e + sum) / (2 sum)) = floor(v / sum) with v = 256 e + floor(sum / 2) <= most = 2^31 + sum / 2, as e <= 2^23. For
 * 2^k > most sum and reciprocal = floor(2^k / sum) + 1, v reciprocal / 2^k exceeds v / sum by at most v / 2^k < 1 / sum: no integer is
 * passed. With the least such k, not below 55, v reciprocal <= 2 most^2 + most: below 2^64 for sum <= 2^30. */
static void shares(const uint32_t *table, ptrdiff_t max, uint64_t sum, const int8_t *x, int8_t *restrict y, size_t n) {
    const uint64_t half = sum / 2, product = (((uint64_t)1 << 31) + half) * sum;
    int k = 54; /* sum >= 2^23 */
    while (product >> k) k++;
    const uint64_t reciprocal = ((uint64_t)1 << k) / sum + 1;
    for (size_t i = 0; i < n; i++) {
        const uint32_t part = (uint32_t)(((uint64_t)table[max - x[i]] * 256 + half) * reciprocal >> k); /* 0..256 */
        y[i] = (int8_t)((part > 255 ? 255 : part) ^ 0x80);
        EQ_KEEP_SCALAR;
    }
}

/* The sum is at least table[0] and, with fewer than 2^31 elements, below 2^54. */
static void softmax(const uint32_t *table, const int8_t *x, int8_t *restrict y, size_t n) {
    const ptrdiff_t max = highest(x, n);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += table[max - x[i]];
        EQ_KEEP_SCALAR;
    }
    if (sum <= 1u << 30) shares(table, max, sum, x, y, n);
    else /* too many large ones for any to have more than 2 / 256 */
        for (size_t i = 0; i < n; i++) y[i] = (int8_t)((int64_t)(((uint64_t)table[max - x[i]] * 256 + sum / 2) / sum) - 128);
}

void eq_run_softmax_s8(const struct eq_call *call) {
    const struct eq_tensor *t = eq_out(call->node, call->tensors, 0);
    const size_t n = eq_row_length(t), rows = eq_row_count(t);
    const int8_t *x = eq_read(call, 0);
    int8_t *y = eq_write(call, 0);
    for (size_t i = 0; i < rows; i++) softmax(eq_read(call, 1), x + i * n, y + i * n, n);
}
