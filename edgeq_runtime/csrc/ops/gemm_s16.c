#include "gemm_s16.h"
#include "pack.h"

typedef void (*gemm_fn)(const struct eq_gemm_s16_s16_s8 *args);

enum { MOST = 1 << 24 /* products of 2^22 at most, whose sum with a bias stays below 2^47 */ };

int eq_s16_check(const struct eq_s16_op *op, const struct eq_tensor *x, size_t products) {
    EQ_NEED_TYPE(x, EQ_TYPE_s16);
    EQ_NEED_SHAPE(eq_s16_valid(op->lo, op->hi));
    EQ_NEED(products <= MOST, EQ_ERR_UNSUPPORTED);
    for (size_t o = 0; o < (size_t)op->window.oc; o++) EQ_NEED(eq_rq16_valid(op->w.rq.m[o], op->w.rq.n[o]), EQ_ERR_FORMAT);
    return EQ_OK;
}

static size_t group_channels(const struct eq_window *w) { return (size_t)(w->oc / w->groups); }

/* Whether the rows of a call are read where they lie in x. */
static bool is_direct(const struct eq_kernel *kernel, const struct eq_window *w) {
    return eq_window_plain(w) && eq_gemm_k(kernel, eq_window_k(w)) == eq_window_k(w);
}

static void pack(const struct eq_node *node, const struct eq_s16_op *op) {
    const size_t k = eq_window_k(&op->window), n = group_channels(&op->window), bytes = eq_gemm_s8_bytes(node->kernel, n, 1, k);
    if (node->packed) eq_weights_read(&op->w, 0, 1, op->w.count, node->packed);
    for (size_t g = 0; node->weights && !node->in_file && g < (size_t)op->window.groups; g++) {
        const struct eq_matrix m = {&op->w, g * n * k, g * n, n, 1, k, k, k, 1};
        eq_gemm_s8_pack(node->kernel, &m, (int8_t *)node->weights + g * bytes);
    }
}

int eq_gemm_s16_prepare(struct eq_node *node, const struct eq_prepare *ctx, const struct eq_s16_op *op) {
    const struct eq_window *w = &op->window;
    const size_t k = eq_window_k(w), n = group_channels(w), groups = (size_t)w->groups, pixels = eq_window_pixels(w);
    if (node->packed || node->weights) {
        pack(node, op);
        return EQ_OK;
    }
    const int status = eq_s16_check(op, eq_in(node, ctx->tensors, 0), k);
    if (status != EQ_OK) return status;
    node->kernel = eq_select("gemm", "s16_s16_s8", ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    node->macs = (uint64_t)pixels * groups * n * k;
    if (w->transposed) node->macs = (uint64_t)(w->batch * w->ih * w->iw) * (uint64_t)w->ic * eq_window_taps(w) * n;
    node->units = eq_units(node->macs, pixels);
    node->weight_bytes = node->kernel->kr ? groups * eq_gemm_s8_bytes(node->kernel, n, 1, k) : 0;
    node->packed_bytes = !node->kernel->kr && eq_s16_unpacks(op) ? op->w.count : 0;
    node->layout = eq_layout_of(node->kernel, 8, groups, n, 1, k);
    const size_t rows = pixels < node->kernel->mr ? pixels : node->kernel->mr;
    node->scratch_bytes = is_direct(node->kernel, w) ? 0 : rows * eq_gemm_k(node->kernel, k) * sizeof(int16_t);
    return EQ_OK;
}

/* The next rows of activations; the inputs that were added are 0. */
static void fill(const struct eq_window *w, const int16_t *x, struct eq_pixel *p, eq_dim group, size_t rows, size_t stride, int16_t *row) {
    const size_t k = eq_window_k(w);
    for (size_t i = 0; i < rows; i++, row += stride, eq_pixel_next(w, p)) {
        eq_window_row_of_s16(w, x, p, group, row);
        for (size_t j = k; j < stride; j++) row[j] = 0;
    }
}

static void run_group(const struct eq_call *call, const struct eq_s16_op *op, size_t group) {
    const struct eq_node *node = call->node;
    const struct eq_window *w = &op->window;
    const size_t n = group_channels(w), k = eq_window_k(w), channels = (size_t)w->oc, end = eq_end(call, eq_window_pixels(w));
    const bool direct = is_direct(node->kernel, w);
    const int16_t *x = eq_read(call, 0);
    struct eq_pixel p = eq_pixel_at(w, call->first);
    struct eq_gemm_s16_s16_s8 args = {.n = n, .k = eq_gemm_k(node->kernel, k), .y_stride = channels, .lo = op->lo, .hi = op->hi};
    args.a_stride = args.k;
    args.rq = eq_rq_at(&op->w.rq, group * n);
    args.w =
        node->weights ? (int8_t *)node->weights + group * eq_gemm_s8_bytes(node->kernel, n, 1, k) : eq_s16_bytes(op, node) + group * n * k;
    args.y = (int16_t *)eq_write(call, 0) + call->first * channels + group * n;
    for (size_t i = call->first; i < end; i += args.m, args.y += args.m * channels) {
        args.m = end - i < node->kernel->mr ? end - i : node->kernel->mr;
        args.a = direct ? x + i * k : (void *)call->scratch;
        if (!direct) fill(w, x, &p, (eq_dim)group, args.m, args.k, (void *)call->scratch);
        ((gemm_fn)node->kernel->run)(&args);
    }
}

void eq_gemm_s16_run(const struct eq_call *call, const struct eq_s16_op *op) {
    for (size_t g = 0; g < (size_t)op->window.groups; g++) run_group(call, op, g);
}
