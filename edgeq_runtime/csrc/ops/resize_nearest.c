#include "resize.h"

int eq_prepare_resize_nearest(struct eq_node *node, const struct eq_prepare *ctx) {
    const int status = eq_prepare_resize(node, ctx);
    if (status != EQ_OK) return status;
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED_SHAPE(eq_is_index_table(eq_in(node, ctx->tensors, 1), y->dims[1], 0, x->dims[1]));
    EQ_NEED_SHAPE(eq_is_index_table(eq_in(node, ctx->tensors, 2), y->dims[2], 0, x->dims[2]));
    return EQ_OK;
}

/* size is a constant where it matters: then memcpy is one move. */
EQ_INLINE void pick(const uint8_t *x, const int32_t *cols, int32_t count, size_t size, uint8_t *restrict y) {
    for (int32_t i = 0; i < count; i++) memcpy(y + (size_t)i * size, x + (size_t)cols[i] * size, size);
}

static void row_of(const uint8_t *x, const int32_t *cols, int32_t count, size_t size, uint8_t *y) {
    switch (size) {
    case 1:
        pick(x, cols, count, 1, y);
        break;
    case 4:
        pick(x, cols, count, 4, y);
        break;
    default:
        pick(x, cols, count, size, y);
    }
}

void eq_run_resize_nearest(const struct eq_call *call) {
    const struct eq_tensor *in = eq_in(call->node, call->tensors, 0), *out = eq_out(call->node, call->tensors, 0);
    const size_t pixel = eq_element_bytes(in) * (size_t)in->dims[3];
    const size_t in_row = pixel * (size_t)in->dims[2], out_row = pixel * (size_t)out->dims[2];
    const uint8_t *x = eq_read(call, 0);
    const int32_t *rows = eq_read(call, 1), *cols = eq_read(call, 2);
    uint8_t *y = eq_write(call, 0);
    for (int32_t n = 0; n < in->dims[0]; n++) {
        for (int32_t r = 0; r < out->dims[1]; r++) {
            if (r > 0 && rows[r] == rows[r - 1]) memcpy(y, y - out_row, out_row);
            else row_of(x + (size_t)rows[r] * in_row, cols, out->dims[2], pixel, y);
            y += out_row;
        }
        x += in_row * (size_t)in->dims[1];
    }
}
