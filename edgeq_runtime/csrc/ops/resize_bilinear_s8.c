#include "resize.h"

enum { WEIGHT_BITS = 12, WEIGHT_ONE = 2048 }; /* an entry: index << 12 | weight of the next index, 0..2048 */

static bool is_weighted(const struct eq_tensor *t, int32_t count, int32_t length) {
    if (!eq_is_index_table(t, count, WEIGHT_BITS, length)) return false;
    const int32_t *entries = (const void *)t->data;
    for (int32_t i = 0; i < count; i++) {
        if ((entries[i] & 4095) > WEIGHT_ONE) return false;
    }
    return true;
}

int eq_prepare_resize_bilinear_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const int status = eq_prepare_resize(node, ctx);
    if (status != EQ_OK) return status;
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED_TYPE(x, EQ_TYPE_s8);
    EQ_NEED_SHAPE(is_weighted(eq_in(node, ctx->tensors, 1), y->dims[1], x->dims[1]));
    EQ_NEED_SHAPE(is_weighted(eq_in(node, ctx->tensors, 2), y->dims[2], x->dims[2]));
    return EQ_OK;
}

/* Two neighbours on one axis. */
struct pair {
    size_t first, second;
    int32_t weight; /* of the second */
};

static struct pair pair_of(int32_t entry, int32_t length) {
    const int32_t i = entry >> WEIGHT_BITS;
    return (struct pair){(size_t)i, (size_t)(i + 1 < length ? i + 1 : i), entry & 4095};
}

/* a (2048 - w) + b w = 2048 a + (b - a) w: narrow products first. The sum stays below 2^29 + 2^21, (lower - upper) w within 2^30. */
static void pixel(const int8_t *top, const int8_t *bottom, int32_t row_weight, struct pair col, size_t channels, int8_t *restrict y) {
    const int8_t *a = top + col.first * channels, *b = top + col.second * channels;
    const int8_t *c = bottom + col.first * channels, *d = bottom + col.second * channels;
    const int16_t weight = (int16_t)col.weight;
    for (size_t i = 0; i < channels; i++) {
        const int32_t upper = a[i] * WEIGHT_ONE + (int16_t)(b[i] - a[i]) * weight;
        const int32_t lower = c[i] * WEIGHT_ONE + (int16_t)(d[i] - c[i]) * weight;
        y[i] = (int8_t)((upper * WEIGHT_ONE + (lower - upper) * row_weight + (1 << 21)) >> 22);
    }
}

void eq_run_resize_bilinear_s8(const struct eq_call *call) {
    const struct eq_tensor *in = eq_in(call->node, call->tensors, 0), *out = eq_out(call->node, call->tensors, 0);
    const size_t channels = (size_t)in->dims[3], in_row = channels * (size_t)in->dims[2];
    const int8_t *x = eq_read(call, 0);
    const int32_t *rows = eq_read(call, 1), *cols = eq_read(call, 2);
    int8_t *y = eq_write(call, 0);
    for (int32_t n = 0; n < in->dims[0]; n++) {
        for (int32_t r = 0; r < out->dims[1]; r++) {
            const struct pair row = pair_of(rows[r], in->dims[1]);
            for (int32_t c = 0; c < out->dims[2]; c++) {
                pixel(x + row.first * in_row, x + row.second * in_row, row.weight, pair_of(cols[c], in->dims[2]), channels, y);
                y += channels;
            }
        }
        x += in_row * (size_t)in->dims[1];
    }
}
