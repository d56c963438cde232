#include "matmul.h"
#include "pack.h"
#include "rq.h"
#include "window.h"

typedef void (*gemm_fn)(const struct eq_gemm_s8_s16_s8 *args);

/* Scratch, in this order; the sizes before a part keep it aligned. */
struct parts {
    int32_t *bias, *m;       /* [n] each */
    int16_t *rows;           /* [rows at once][k] */
    int8_t *weights, *shift; /* b as the kernel wants it; n of SPEC 1.2, [n] */
};

static size_t rows_at_once(const struct eq_matmul *mm, const struct eq_kernel *kernel) { return mm->m < kernel->mr ? mm->m : kernel->mr; }

/* Lays the parts out from memory on (NULL: only the size). */
static size_t layout(struct parts *parts, const struct eq_matmul *mm, const struct eq_kernel *kernel, uint8_t *memory) {
    const size_t words = mm->n * sizeof(int32_t), rows = rows_at_once(mm, kernel) * eq_gemm_k(kernel, mm->k) * sizeof(int16_t);
    const size_t weights = eq_gemm_pack_bytes(kernel, mm->n, mm->k);
    if (memory) {
        parts->bias = (void *)memory;
        parts->m = (void *)(memory + words);
        parts->rows = (void *)(memory + 2 * words);
        parts->weights = (int8_t *)memory + 2 * words + rows;
        parts->shift = parts->weights + weights;
    }
    return 2 * words + rows + weights + mm->n;
}

int eq_prepare_matmul_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_matmul_s8_attrs *attrs = node->attrs;
    struct eq_matmul mm;
    const int status = eq_matmul_shapes(&mm, node, ctx->tensors);
    if (status != EQ_OK) return status;
    EQ_NEED(mm.a->type == EQ_TYPE_s8 && mm.b->type == EQ_TYPE_s8 && mm.y->type == EQ_TYPE_s8, EQ_ERR_UNSUPPORTED);
    EQ_NEED_SHAPE(eq_is_s8(attrs->a_zero) && eq_is_s8(attrs->b_zero) && eq_s8_valid(attrs->y_zero, attrs->lo, attrs->hi));
    EQ_NEED_SHAPE(eq_rq_valid(attrs->m, attrs->n));
    EQ_NEED_SHAPE((int64_t)mm.k * (eq_s8_reach(attrs->a_zero) * eq_s8_reach(attrs->b_zero)) <= INT32_MAX);
    node->kernel = eq_select("gemm", "s8_s16_s8", ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    node->scratch_bytes = layout(NULL, &mm, node->kernel, NULL);
    node->macs = (uint64_t)mm.y->count * mm.k;
    return EQ_OK;
}

static void fill_channels(const struct parts *parts, const struct eq_matmul *mm, const struct eq_matmul_s8_attrs *attrs) {
    for (size_t o = 0; o < mm->n; o++) {
        parts->bias[o] = 0;
        parts->m[o] = attrs->m;
        parts->shift[o] = (int8_t)attrs->n;
    }
}

static void fill_rows(const struct eq_matmul *mm, const int8_t *a, int32_t a_zero, size_t rows, size_t stride, int16_t *row) {
    for (size_t i = 0; i < rows; i++, a += mm->k, row += stride) {
        eq_widen_s16(a, a_zero, mm->k, row);
        for (size_t j = mm->k; j < stride; j++) row[j] = 0;
    }
}

/* One matrix of y. */
static void multiply(const struct eq_matmul *mm, const struct eq_kernel *kernel, const struct parts *parts,
                     const struct eq_matmul_s8_attrs *attrs, const int8_t *a, int8_t *y) {
    const size_t k = eq_gemm_k(kernel, mm->k);
    struct eq_gemm_s8_s16_s8 args = {.n = mm->n,
                                     .k = k,
                                     .a = parts->rows,
                                     .a_stride = k,
                                     .w = parts->weights,
                                     .rq = {parts->bias, parts->m, parts->shift},
                                     .y_stride = mm->n,
                                     .w_zero = attrs->b_zero,
                                     .y_zero = attrs->y_zero,
                                     .lo = attrs->lo,
                                     .hi = attrs->hi};
    for (size_t i = 0; i < mm->m; i += args.m) {
        args.m = mm->m - i < kernel->mr ? mm->m - i : kernel->mr;
        args.y = y + i * mm->n;
        fill_rows(mm, a + i * mm->k, attrs->a_zero, args.m, k, parts->rows);
        ((gemm_fn)kernel->run)(&args);
    }
}

void eq_run_matmul_s8(const struct eq_call *call) {
    const struct eq_matmul_s8_attrs *attrs = call->node->attrs;
    const struct eq_kernel *kernel = call->node->kernel;
    const int8_t *a = eq_read(call, 0), *b = eq_read(call, 1);
    int8_t *y = eq_write(call, 0);
    struct eq_matmul mm;
    struct parts parts = {0};
    eq_matmul_shapes(&mm, call->node, call->tensors);
    layout(&parts, &mm, kernel, call->scratch);
    fill_channels(&parts, &mm, attrs);
    size_t packed = SIZE_MAX; /* the matrix of b that lies in scratch */
    for (size_t i = 0; i < mm.count; i++) {
        const size_t right = eq_matmul_matrix(&mm, mm.b, i);
        if (right != packed) eq_gemm_pack(kernel, mm.n, mm.k, b + right * mm.k * mm.n, 1, mm.n, parts.weights);
        packed = right;
        multiply(&mm, kernel, &parts, attrs, a + eq_matmul_matrix(&mm, mm.a, i) * mm.m * mm.k, y + i * mm.m * mm.n);
    }
}
