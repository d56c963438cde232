#include "broadcast.h"
#include "eq_kernels.h"

int eq_prepare_add_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_add_s8_attrs *a = node->attrs;
    EQ_NEED_SHAPE(eq_is_s8(a->a_zero) && eq_is_s8(a->b_zero) && eq_s8_valid(a->y_zero, a->lo, a->hi));
    EQ_NEED_SHAPE(a->a_mul == (int16_t)a->a_mul && a->b_mul == (int16_t)a->b_mul);
    EQ_NEED_SHAPE(a->shift >= 1 && a->shift <= 30);
    node->kernel = eq_select("add", "s8_s8_s8", ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    const int status = eq_prepare_broadcast(node, ctx, EQ_TYPE_s8);
    const struct eq_tensor *a_in = eq_in(node, ctx->tensors, 0), *b_in = eq_in(node, ctx->tensors, 1), *y = eq_out(node, ctx->tensors, 0);
    node->follows = status == EQ_OK && a_in->count == y->count && b_in->count == y->count;
    if (node->follows) node->units = eq_units(y->count, y->count);
    return status;
}

static void add(const struct eq_row *row) {
    const struct eq_node *node = row->call->node;
    const struct eq_add_s8_attrs *a = node->attrs;
    const struct eq_add_s8_s8_s8 args = {.n = row->n,
                                         .a = row->a,
                                         .b = row->b,
                                         .a_step = (size_t)row->a_step,
                                         .b_step = (size_t)row->b_step,
                                         .y = row->y,
                                         .a_mul = (int16_t)a->a_mul,
                                         .b_mul = (int16_t)a->b_mul,
                                         .constant = ((int32_t)1 << (a->shift - 1)) - a->a_mul * a->a_zero - a->b_mul * a->b_zero,
                                         .shift = a->shift,
                                         .y_zero = a->y_zero,
                                         .lo = a->lo,
                                         .hi = a->hi};
    ((void (*)(const struct eq_add_s8_s8_s8 *))node->kernel->run)(&args);
}

void eq_run_add_s8(const struct eq_call *call) {
    if (call->node->units == 0) {
        eq_run_broadcast(call, add);
        return;
    }
    const struct eq_row part = {.call = call,
                                .a = (const int8_t *)eq_read(call, 0) + call->first,
                                .b = (const int8_t *)eq_read(call, 1) + call->first,
                                .y = (int8_t *)eq_write(call, 0) + call->first,
                                .n = call->end - call->first,
                                .a_step = 1,
                                .b_step = 1};
    add(&part);
}
