#include "gemm_band.h"
#include "pack.h"

typedef void (*wide_fn)(const struct eq_gemm_s8_s16_s8 *args);
typedef void (*low_fn)(const struct eq_gemm_s8_s16_s4 *args); /* the same members for every width */

static size_t group_channels(const struct eq_gemm_op *op) { return (size_t)(op->window.oc / op->window.groups); }

/* Rows of one call: no more than there are. */
static size_t rows_at_once(const struct eq_kernel *kernel, const struct eq_window *w) {
    const size_t pixels = eq_window_pixels(w);
    return pixels < kernel->mr ? pixels : kernel->mr;
}

/* The weights of a group of channels, as the file has them. */
static struct eq_matrix matrix_of(const struct eq_gemm_op *op, size_t group) {
    const size_t n = group_channels(op), k = eq_window_k(&op->window), taps = eq_window_taps(&op->window);
    return (struct eq_matrix){&op->w, group * n * k, group * n, n, taps, k / taps, k, k / taps, 1};
}

static int check(const struct eq_gemm_op *op) {
    const int status = eq_weights_check(&op->w, (size_t)op->window.oc, &op->attrs);
    if (status != EQ_OK) return status;
    for (size_t g = 0; g < (size_t)op->window.groups; g++) {
        const struct eq_matrix m = matrix_of(op, g);
        EQ_NEED(eq_matrix_fits(&m, op->attrs.x_zero), EQ_ERR_FORMAT);
    }
    return EQ_OK;
}

/* Of types "s8_<row><weight>". */
static const struct eq_kernel *select_types(const char *row, const char *weight, uint32_t isas) {
    const char *const parts[] = {"s8_", row, weight};
    char types[16], *end = types;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (const char *at = parts[i]; *at; at++) *end++ = *at;
    *end = 0;
    return eq_select("gemm", types, isas);
}

/* Rows of bytes need no widening, but only pay with a kernel of their own. What takes rows of 16 bits packs no multipliers. */
static const struct eq_kernel *select(const struct eq_gemm_op *op, uint32_t isas) {
    static const char *const rows[] = {"u8_", "s8_"};
    const char *weight = op->w.low ? "s4x2" : eq_type_name(op->w.type);
    const bool fits = op->w.type == EQ_TYPE_s8 || eq_window_k(&op->window) <= EQ_LOW_K;
    for (size_t i = 0; EQ_HAS(byte_rows) && fits && i < sizeof rows / sizeof *rows; i++) {
        const struct eq_kernel *kernel = select_types(rows[i], weight, isas);
        if (kernel && kernel->isa != EQ_ISA_portable) return kernel;
    }
    return select_types("s16_", weight, op->w.multipliers ? 0 : isas);
}

static bool is_banded(const struct eq_kernel *kernel) { return EQ_HAS(byte_rows) && memcmp(kernel->types, "s8_s16_", 7) != 0; }
static bool is_low(const struct eq_gemm_op *op) { return !eq_are_bytes(&op->w); }

static void pack(const struct eq_node *node, const struct eq_gemm_op *op) {
    const size_t k = eq_window_k(&op->window), n = group_channels(op), bytes = eq_gemm_s8_bytes(node->kernel, n, 1, k);
    for (size_t g = 0; g < (size_t)op->window.groups; g++) {
        const struct eq_matrix m = {&op->w, g * n * k, g * n, n, 1, k, k, k, 1};
        eq_gemm_s8_pack(node->kernel, &m, (int8_t *)node->weights + g * bytes);
    }
}

int eq_gemm_s8_prepare(struct eq_node *node, const struct eq_prepare *ctx, const struct eq_gemm_op *op) {
    const struct eq_window *w = &op->window;
    const size_t k = eq_window_k(w), n = group_channels(op), groups = (size_t)w->groups;
    if (node->packed || node->weights) {
        if (is_banded(node->kernel)) eq_gemm_band_pack(node, op);
        else if (!node->in_file) pack(node, op);
        return EQ_OK;
    }
    EQ_NEED_TYPE(eq_in(node, ctx->tensors, 0), EQ_TYPE_s8);
    const int status = check(op);
    if (status != EQ_OK) return status;
    node->kernel = select(op, ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    node->leads = 1;
    node->macs = w->transposed ? (uint64_t)(w->batch * w->ih * w->iw) * (uint64_t)w->ic * eq_window_taps(w) * n
                               : (uint64_t)eq_window_pixels(w) * groups * n * k;
    if (is_banded(node->kernel)) return eq_gemm_band_prepare(node, op);
    node->units = eq_units(node->macs, eq_window_pixels(w));
    node->weight_bytes = node->kernel->kr ? groups * eq_gemm_s8_bytes(node->kernel, n, 1, k) : 0;
    node->layout = eq_layout_of(node->kernel, eq_weight_bits(node->kernel), groups, n, 1, k);
    node->scratch_bytes = rows_at_once(node->kernel, w) * eq_gemm_k(node->kernel, k) * sizeof(int16_t);
    return EQ_OK;
}

/* Whether the rows of a call are one stretch of x. */
static bool is_stretch(const struct eq_window *w, size_t stride) { return eq_window_k(w) == stride && eq_window_plain(w); }

/* The next rows of activations, widened; the inputs that were added are 0. */
static void fill_wide(const struct eq_gemm_op *op, const int8_t *x, struct eq_pixel *p, eq_dim group, size_t rows, size_t stride,
                      int16_t *row) {
    const size_t k = eq_window_k(&op->window);
    if (is_stretch(&op->window, stride)) { /* p->ox counts all pixels */
        eq_widen_s16(x + (size_t)p->ox * k, op->attrs.x_zero, rows * k, row);
        p->ox += (eq_dim)rows;
        return;
    }
    for (size_t i = 0; i < rows; i++, row += stride) {
        eq_window_row_s16(&op->window, x, op->attrs.x_zero, p, group, row);
        for (size_t j = k; j < stride; j++) row[j] = 0;
        eq_pixel_next(&op->window, p);
    }
}

/* Rows of a group, with weights of a byte. */
static struct eq_gemm_s8_s16_s8 wide_args(const struct eq_call *call, const struct eq_gemm_op *op, size_t group) {
    const struct eq_node *node = call->node;
    const size_t n = group_channels(op), k = eq_window_k(&op->window), padded = eq_gemm_k(node->kernel, k);
    const size_t bytes = node->weights ? eq_gemm_s8_bytes(node->kernel, n, 1, k) : n * k;
    const int8_t *weights = node->weights ? node->weights : (const void *)op->w.data;
    return (struct eq_gemm_s8_s16_s8){.n = n,
                                      .k = padded,
                                      .a = (void *)call->scratch,
                                      .a_stride = padded,
                                      .w = weights + group * bytes,
                                      .y_stride = (size_t)op->window.oc,
                                      .rq = eq_rq_at(&op->w.rq, group * n),
                                      .w_zero = op->attrs.w_zero,
                                      .y_zero = op->attrs.y_zero,
                                      .lo = op->attrs.lo,
                                      .hi = op->attrs.hi};
}

/* The same with weights of less; those that are not packed are read as they lie in the file. */
static struct eq_gemm_s8_s16_s4 low_args(const struct eq_gemm_op *op, const struct eq_gemm_s8_s16_s8 *args, size_t group, bool packed) {
    const struct eq_weights *w = &op->w;
    const size_t groups = w->group ? (w->depth + w->group - 1) / w->group : 0, taps = eq_window_taps(&op->window);
    return (struct eq_gemm_s8_s16_s4){.m = args->m,
                                      .n = args->n,
                                      .k = args->k,
                                      .a = args->a,
                                      .a_stride = args->a_stride,
                                      .w = packed ? (const uint8_t *)args->w : w->data,
                                      .first = packed ? 0 : group * args->n * args->k,
                                      .depth = w->depth,
                                      .rq = args->rq,
                                      .y = args->y,
                                      .y_stride = args->y_stride,
                                      .y_zero = args->y_zero,
                                      .lo = args->lo,
                                      .hi = args->hi,
                                      .low = w->low,
                                      .multipliers = w->multipliers ? w->multipliers + group * args->n * taps * groups : NULL,
                                      .group = w->group,
                                      .up = w->times == 1 ? 0 : 4};
}

static void run_wide(const struct eq_call *call, const struct eq_gemm_op *op, size_t group) {
    const struct eq_kernel *kernel = call->node->kernel;
    struct eq_gemm_s8_s16_s8 args = wide_args(call, op, group);
    const size_t channels = (size_t)op->window.oc, n = args.n, k = args.k;
    const size_t end = eq_end(call, eq_window_pixels(&op->window));
    struct eq_pixel p = {0, 0, (eq_dim)call->first};
    if (!is_stretch(&op->window, k)) p = eq_pixel_at(&op->window, call->first);
    args.y = (int8_t *)eq_write(call, 0) + call->first * channels + group * n;
    for (size_t i = call->first; i < end; i += args.m, args.y += args.m * channels) {
        args.m = end - i < kernel->mr ? end - i : kernel->mr;
        fill_wide(op, eq_read(call, 0), &p, (eq_dim)group, args.m, k, (void *)call->scratch);
        if (is_low(op)) {
            const struct eq_gemm_s8_s16_s4 low = low_args(op, &args, group, call->node->weights != NULL);
            ((low_fn)kernel->run)(&low);
        } else {
            ((wide_fn)kernel->run)(&args);
        }
    }
}

void eq_gemm_s8_run(const struct eq_call *call, const struct eq_gemm_op *op) {
    const struct eq_node *node = call->node;
    if (is_banded(node->kernel)) {
        eq_gemm_band_run(call, op);
        return;
    }
    for (size_t g = 0; g < (size_t)op->window.groups; g++) run_wide(call, op, g);
    const size_t end = eq_end(call, eq_window_pixels(&op->window)), channels = (size_t)op->window.oc;
    eq_then(call, call->first * channels, (end - call->first) * channels);
}
