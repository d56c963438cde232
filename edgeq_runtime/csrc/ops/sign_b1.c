#include "eq_kernels.h"
#include "eq_signs.h"
#include "op.h"

/* What is packed: limits [channels rounded up], then for each word keep, then flip. */
static size_t packed_channels(const struct eq_tensor *x) { return eq_sign_words(eq_row_length(x)) * EQ_SIGNS; }

/* x < t is x <= t - 1. Where int8 does not have that limit, no x is below t, or every one is. */
static void pack(const struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *flips = node->input_count > 2 ? eq_in(node, ctx->tensors, 2) : NULL;
    const int16_t *t = (const void *)eq_in(node, ctx->tensors, 1)->data;
    const size_t channels = eq_row_length(x), padded = packed_channels(x);
    int8_t *limits = node->packed;
    uint32_t *keep = (void *)(limits + padded), *flip = keep + padded / EQ_SIGNS;
    memset(limits, 0, node->packed_bytes);
    for (size_t c = 0; c < channels; c++) {
        const int32_t limit = t[c] - 1;
        limits[c] = (int8_t)(limit < INT8_MIN ? INT8_MIN : limit > INT8_MAX ? INT8_MAX : limit);
        keep[c / EQ_SIGNS] |= (uint32_t)(limit >= INT8_MIN) << c % EQ_SIGNS;
        if (flips) flip[c / EQ_SIGNS] |= eq_sign_bits(flips->data, c, 1) << c % EQ_SIGNS;
    }
}

int eq_prepare_sign_b1(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0);
    if (node->packed) {
        pack(node, ctx);
        return EQ_OK;
    }
    EQ_NEED_SHAPE(eq_is_table(eq_in(node, ctx->tensors, 1), EQ_TYPE_s16, eq_row_length(x)));
    EQ_NEED_SHAPE(node->input_count < 3 || eq_is_table(eq_in(node, ctx->tensors, 2), EQ_TYPE_b1, eq_row_length(x)));
    node->kernel = eq_select("sign", "b1_s8_s8", ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    node->packed_bytes = packed_channels(x) + 2 * packed_channels(x) / 8;
    node->units = eq_units(x->count, eq_row_count(x));
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_s8, EQ_TYPE_b1);
}

void eq_run_sign_b1(const struct eq_call *call) {
    const struct eq_tensor *x = eq_in(call->node, call->tensors, 0);
    const size_t channels = eq_row_length(x), padded = packed_channels(x);
    const int8_t *limits = call->node->packed;
    const uint32_t *keep = (const void *)(limits + padded);
    const struct eq_sign_b1_s8_s8 args = {.rows = eq_end(call, eq_row_count(x)) - call->first,
                                          .channels = channels,
                                          .x = (const int8_t *)eq_read(call, 0) + call->first * channels,
                                          .limits = limits,
                                          .keep = keep,
                                          .flip = keep + padded / EQ_SIGNS,
                                          .y = (uint32_t *)eq_write(call, 0) + call->first * (padded / EQ_SIGNS)};
    ((void (*)(const struct eq_sign_b1_s8_s8 *))call->node->kernel->run)(&args);
}
