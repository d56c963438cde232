#include "broadcast.h"

int eq_prepare_lookup2_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    EQ_NEED_SHAPE(eq_is_table(eq_in(node, ctx->tensors, 2), EQ_TYPE_s8, 65536));
    return eq_prepare_broadcast(node, ctx, EQ_TYPE_s8);
}

static void row_of(const struct eq_row *row) {
    const int8_t *a = row->a, *b = row->b, *table = eq_read(row->call, 2);
    int8_t *y = row->y;
    const size_t a_step = (size_t)row->a_step, b_step = (size_t)row->b_step;
    for (size_t i = 0, n = row->n; i < n; i++) y[i] = table[256 * (a[i * a_step] + 128) + b[i * b_step] + 128];
}

void eq_run_lookup2_s8(const struct eq_call *call) { eq_run_broadcast(call, row_of); }
