#include "gemm_f32.h"

typedef void (*gemm_fn)(const struct eq_gemm_f32_f32_f32 *args);

bool eq_gemm_f32_select(struct eq_node *node, const struct eq_prepare *ctx) {
    node->kernel = eq_select("gemm", "f32_f32_f32", ctx->isas);
    return node->kernel && node->kernel->kr == 0;
}

void eq_gemm_f32_all(const struct eq_kernel *kernel, struct eq_gemm_f32_f32_f32 *args) {
    const size_t rows = args->m;
    for (size_t i = 0; i < rows; i += args->m) {
        args->m = rows - i < kernel->mr ? rows - i : kernel->mr;
        ((gemm_fn)kernel->run)(args);
        args->a += args->m * args->a_stride;
        args->y += args->m * args->y_stride;
    }
}

int eq_window_f32_check(const struct eq_node *node, const struct eq_tensor *tensors, size_t weights, size_t channels, float lo, float hi) {
    EQ_NEED_TYPE(eq_in(node, tensors, 0), EQ_TYPE_f32);
    EQ_NEED_SHAPE(eq_is_table(eq_in(node, tensors, 1), EQ_TYPE_f32, weights));
    EQ_NEED_SHAPE(eq_is_table(eq_in(node, tensors, 2), EQ_TYPE_f32, channels));
    EQ_NEED_SHAPE(lo <= hi); /* NaN is refused too */
    return EQ_OK;
}

int eq_gemm_f32_prepare(struct eq_node *node, const struct eq_prepare *ctx, const struct eq_window *w, float lo, float hi) {
    const size_t k = eq_window_k(w), channels = (size_t)w->oc, pixels = eq_window_pixels(w);
    const int status = eq_window_f32_check(node, ctx->tensors, channels * k, channels, lo, hi);
    if (status != EQ_OK) return status;
    EQ_NEED(eq_gemm_f32_select(node, ctx), EQ_ERR_UNSUPPORTED);
    const size_t rows = pixels < node->kernel->mr ? pixels : node->kernel->mr;
    node->scratch_bytes = eq_window_plain(w) ? 0 : rows * k * sizeof(float);
    node->macs = (uint64_t)pixels * channels * k;
    node->units = eq_units(node->macs, pixels);
    return EQ_OK;
}

static void run_group(const struct eq_call *call, const struct eq_window *w, size_t group, struct eq_gemm_f32_f32_f32 args) {
    const struct eq_kernel *kernel = call->node->kernel;
    const size_t end = eq_end(call, eq_window_pixels(w));
    const float *x = eq_read(call, 0);
    float *rows = (void *)call->scratch;
    struct eq_pixel p = eq_pixel_at(w, call->first);
    args.a = rows;
    for (size_t i = call->first; i < end; i += args.m, args.y += args.m * args.y_stride) {
        args.m = end - i < kernel->mr ? end - i : kernel->mr;
        for (size_t j = 0; j < args.m; j++, eq_pixel_next(w, &p)) eq_window_row_f32(w, x, &p, (eq_dim)group, rows + j * args.k);
        ((gemm_fn)kernel->run)(&args);
    }
}

void eq_gemm_f32_run(const struct eq_call *call, const struct eq_window *w, float lo, float hi) {
    const size_t n = (size_t)(w->oc / w->groups), k = eq_window_k(w);
    struct eq_gemm_f32_f32_f32 args = {.n = n,
                                       .k = k,
                                       .a_stride = k,
                                       .w = eq_read(call, 1),
                                       .bias = eq_read(call, 2),
                                       .y = (float *)eq_write(call, 0) + call->first * (size_t)w->oc,
                                       .y_stride = (size_t)w->oc,
                                       .lo = lo,
                                       .hi = hi};
    if (eq_window_plain(w)) {
        args.m = eq_end(call, eq_window_pixels(w)) - call->first;
        args.a = (const float *)eq_read(call, 0) + call->first * k;
        eq_gemm_f32_all(call->node->kernel, &args);
        return;
    }
    for (size_t g = 0; g < (size_t)w->groups; g++, args.w += n * k, args.bias += n, args.y += n) run_group(call, w, g, args);
}
