#include "broadcast.h"
#include "walk.h"

bool eq_stretches(const struct eq_tensor *from, const struct eq_tensor *to) {
    const int lead = to->rank - from->rank;
    if (lead < 0) return false;
    for (int i = 0; i < from->rank; i++) {
        if (from->dims[i] != 1 && from->dims[i] != to->dims[i + lead]) return false;
    }
    return true;
}

bool eq_is_broadcast(const struct eq_tensor *a, const struct eq_tensor *b, const struct eq_tensor *y) {
    if (!eq_stretches(a, y) || !eq_stretches(b, y)) return false;
    for (int i = 1; i <= y->rank; i++) { /* counted from the last axis: one of the two has it, at full length */
        const bool in_a = i <= a->rank && a->dims[a->rank - i] == y->dims[y->rank - i];
        const bool in_b = i <= b->rank && b->dims[b->rank - i] == y->dims[y->rank - i];
        if (!in_a && !in_b) return false;
    }
    return true;
}

int eq_prepare_broadcast(const struct eq_node *node, const struct eq_prepare *ctx, int type) {
    const struct eq_tensor *a = eq_in(node, ctx->tensors, 0), *b = eq_in(node, ctx->tensors, 1), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED_SHAPE(node->output_count == 1);
    EQ_NEED_TYPE(a, type);
    EQ_NEED_TYPE(b, type);
    EQ_NEED_TYPE(y, type);
    EQ_NEED_SHAPE(eq_is_broadcast(a, b, y));
    return EQ_OK;
}

void eq_stretched_strides(const struct eq_tensor *t, const struct eq_tensor *y, ptrdiff_t strides[EQ_MAX_RANK]) {
    ptrdiff_t own[EQ_MAX_RANK];
    eq_strides(t, own);
    const int lead = y->rank - t->rank;
    for (int i = 0; i < y->rank; i++) strides[i] = i < lead || t->dims[i - lead] == 1 ? 0 : own[i - lead];
}

void eq_run_broadcast(const struct eq_call *call, void (*row)(const struct eq_row *row)) {
    const struct eq_tensor *a = eq_in(call->node, call->tensors, 0), *b = eq_in(call->node, call->tensors, 1);
    const struct eq_tensor *y = eq_out(call->node, call->tensors, 0);
    const ptrdiff_t size = (ptrdiff_t)eq_element_bytes(y);
    const uint8_t *a_data = eq_read(call, 0), *b_data = eq_read(call, 1);
    uint8_t *out = eq_write(call, 0);
    ptrdiff_t a_strides[EQ_MAX_RANK], b_strides[EQ_MAX_RANK];
    eq_stretched_strides(a, y, a_strides);
    eq_stretched_strides(b, y, b_strides);
    struct eq_walk walk = {0};
    for (int i = 0; i < y->rank; i++) eq_walk_axis(&walk, (size_t)y->dims[i], a_strides[i], b_strides[i]);
    const struct eq_axis inner = eq_walk_pop(&walk);
    struct eq_row r = {.call = call, .n = inner.dim, .a_step = inner.step[0] != 0, .b_step = inner.step[1] != 0};
    do {
        r.a = a_data + walk.at[0] * size;
        r.b = b_data + walk.at[1] * size;
        r.y = out;
        row(&r);
        out += inner.dim * (size_t)size;
    } while (eq_walk_next(&walk));
}
