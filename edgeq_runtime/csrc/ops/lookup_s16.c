#include "op.h"

/* Entry i is what -2^15 + 2^7 i gives; what lies between is interpolated. */
enum { BITS = 7, ONE = 1 << BITS, ENTRIES = (1 << (16 - BITS)) + 1 };

int eq_prepare_lookup_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    const size_t count = eq_out(node, ctx->tensors, 0)->count;
    EQ_NEED_SHAPE(eq_is_table(eq_in(node, ctx->tensors, 1), EQ_TYPE_s16, ENTRIES));
    node->units = eq_units(count, count);
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_s16, EQ_TYPE_s16);
}

void eq_run_lookup_s16(const struct eq_call *call) {
    const int16_t *x = eq_read(call, 0), *table = eq_read(call, 1);
    int16_t *restrict y = eq_write(call, 0);
    const size_t end = eq_end(call, eq_out(call->node, call->tensors, 0)->count);
    for (size_t i = call->first; i < end; i++) {
        const int32_t at = x[i] - INT16_MIN, part = at % ONE;
        const int16_t *entry = table + at / ONE;
        y[i] = (int16_t)((entry[0] * (ONE - part) + entry[1] * part + ONE / 2) >> BITS);
        EQ_KEEP_SCALAR;
    }
}
