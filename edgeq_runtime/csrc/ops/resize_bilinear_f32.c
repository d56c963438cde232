#include "resize.h"

int eq_prepare_resize_bilinear_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const int status = eq_prepare_resize(node, ctx);
    if (status != EQ_OK) return status;
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED_TYPE(x, EQ_TYPE_f32);
    EQ_NEED_SHAPE(eq_is_index_table(eq_in(node, ctx->tensors, 1), y->dims[1], 0, x->dims[1]));
    EQ_NEED_SHAPE(eq_is_table(eq_in(node, ctx->tensors, 2), EQ_TYPE_f32, (size_t)y->dims[1]));
    EQ_NEED_SHAPE(eq_is_index_table(eq_in(node, ctx->tensors, 3), y->dims[2], 0, x->dims[2]));
    EQ_NEED_SHAPE(eq_is_table(eq_in(node, ctx->tensors, 4), EQ_TYPE_f32, (size_t)y->dims[2]));
    return EQ_OK;
}

/* top and bottom are two rows of the input; col and next two of their pixels. */
static void pixel(const float *top, const float *bottom, size_t col, size_t next, float wr, float wc, size_t channels, float *restrict y) {
    const float *a = top + col * channels, *b = top + next * channels;
    const float *c = bottom + col * channels, *d = bottom + next * channels;
    for (size_t i = 0; i < channels; i++) {
        const float upper = a[i] + (b[i] - a[i]) * wc;
        const float lower = c[i] + (d[i] - c[i]) * wc;
        y[i] = upper + (lower - upper) * wr;
    }
}

static size_t after(int32_t i, int32_t length) { return (size_t)(i + 1 < length ? i + 1 : i); }

void eq_run_resize_bilinear_f32(const struct eq_call *call) {
    const struct eq_tensor *in = eq_in(call->node, call->tensors, 0), *out = eq_out(call->node, call->tensors, 0);
    const size_t channels = (size_t)in->dims[3], in_row = channels * (size_t)in->dims[2];
    const int32_t *rows = eq_read(call, 1), *cols = eq_read(call, 3);
    const float *x = eq_read(call, 0), *row_w = eq_read(call, 2), *col_w = eq_read(call, 4);
    float *y = eq_write(call, 0);
    for (int32_t n = 0; n < in->dims[0]; n++) {
        for (int32_t r = 0; r < out->dims[1]; r++) {
            const float *top = x + (size_t)rows[r] * in_row, *bottom = x + after(rows[r], in->dims[1]) * in_row;
            for (int32_t c = 0; c < out->dims[2]; c++) {
                pixel(top, bottom, (size_t)cols[c], after(cols[c], in->dims[2]), row_w[r], col_w[c], channels, y);
                y += channels;
            }
        }
        x += in_row * (size_t)in->dims[1];
    }
}
