#include "pool.h"
#include "sum_s8.h"

enum { TAPS_MAX = 1 << 21 }; /* |2 acc + c| stays in int32, and quotient() exact */

static struct eq_window window_of(const struct eq_avg_pool2d_s8_attrs *a) {
    struct eq_window w = {0};
    EQ_POOL_WINDOW(&w, a);
    return w;
}

static bool rq_valid(const struct eq_tensor *rq, size_t taps) {
    if (!eq_is_table(rq, EQ_TYPE_u8, 5 * taps)) return false;
    const int32_t *m = (const void *)rq->data;
    const int8_t *n = (const void *)(rq->data + 4 * taps);
    for (size_t i = 0; i < taps; i++) {
        if (!eq_rq_valid(m[i], n[i])) return false;
    }
    return true;
}

int eq_prepare_avg_pool2d_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_avg_pool2d_s8_attrs *a = node->attrs;
    struct eq_window w = window_of(a);
    const int status = eq_prepare_pool(&w, node, ctx, EQ_TYPE_s8, a->pad_bottom, a->pad_right);
    if (status != EQ_OK) return status;
    eq_pool_share(node, &w);
    EQ_NEED_SHAPE((a->include_pad == 0 || a->include_pad == 1) && w.kh * w.kw <= TAPS_MAX);
    EQ_NEED_SHAPE(eq_is_s8(a->x_zero) && eq_s8_valid(a->y_zero, a->lo, a->hi));
    EQ_NEED_SHAPE(node->input_count < 2 || rq_valid(eq_in(node, ctx->tensors, 1), eq_window_taps(&w)));
    return EQ_OK;
}

/* floor((2 acc + c) / (2 c)) as a product: with d = 2 c and v = 2 acc + c + 256 d, 0 < v < 512 d (as |acc| <= 255 c), and reciprocal
 * = floor(2^53 / d) + 1, v reciprocal / 2^53 exceeds v / d by at most v / 2^53 < 1 / d for d <= 2^22: no integer is passed. */
static inline int32_t quotient(int32_t acc, int32_t c, uint64_t reciprocal) {
    const uint64_t v = (uint64_t)(2 * (int64_t)acc + (int64_t)513 * c);
    return (int32_t)((v * reciprocal) >> 53) - 256;
}

static void finish(const struct eq_cell *cell, const int32_t *sum, size_t width, int8_t *restrict y) {
    const struct eq_avg_pool2d_s8_attrs attrs = *(const struct eq_avg_pool2d_s8_attrs *)cell->call->node->attrs;
    const int32_t valid = (int32_t)(cell->rows * cell->cols), area = attrs.kernel_h * attrs.kernel_w;
    const int32_t count = attrs.include_pad ? area : valid > 0 ? valid : 1;
    const int32_t zeros = valid * attrs.x_zero;
    if (cell->call->node->input_count == 1) {
        const uint64_t reciprocal = ((uint64_t)1 << 53) / (2 * (uint32_t)count) + 1;
        for (size_t c = 0; c < width; c++) {
            y[c] = eq_clamp_s8(quotient(sum[c] - zeros, count, reciprocal), attrs.y_zero, attrs.lo, attrs.hi);
        }
        return;
    }
    const int32_t *rq = eq_read(cell->call, 1);
    const int32_t m = rq[count - 1], n = ((const int8_t *)(rq + area))[count - 1];
    for (size_t c = 0; c < width; c++) y[c] = eq_clamp_s8(eq_requantize(sum[c] - zeros, m, n), attrs.y_zero, attrs.lo, attrs.hi);
}

static void pixel(const struct eq_cell *cell) {
    const int8_t *x = (const int8_t *)eq_read(cell->call, 0) + cell->in;
    int8_t *y = (int8_t *)eq_write(cell->call, 0) + cell->out;
    for (size_t c = 0; c < cell->channels; c += EQ_SUM_WIDTH) {
        const size_t width = cell->channels - c < EQ_SUM_WIDTH ? cell->channels - c : EQ_SUM_WIDTH;
        int32_t sum[EQ_SUM_WIDTH] = {0};
        for (size_t r = 0; r < cell->rows; r++) eq_sum_s8(sum, x + r * cell->row_step + c, cell->cols, cell->col_step, width);
        finish(cell, sum, width, y + c);
    }
}

void eq_run_avg_pool2d_s8(const struct eq_call *call) { eq_run_pool(call, window_of(call->node->attrs), pixel); }
