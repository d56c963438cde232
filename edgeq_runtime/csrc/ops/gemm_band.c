#include "gemm_band.h"
#include "band.h"
#include "pack.h"

typedef void (*unsigned_fn)(const struct eq_gemm_s8_u8_s8 *args);
typedef void (*signed_fn)(const struct eq_gemm_s8_s8_s8 *args);

/* Both have the same members, so what is written as one may be read as the other. */
union args {
    struct eq_gemm_s8_u8_s8 u8;
    struct eq_gemm_s8_s8_s8 s8;
};

/* Bytes of a band: all weights pass by once a band, so it is larger where they are many. */
enum { LEAST = 32768, MOST = 131072, SHORT = 16 };

/* What is packed, in this order; the matrices at multiples of EQ_ALIGN. */
struct parts {
    struct eq_band *band;
    uint32_t *rows;    /* [pixels of a band] */
    uint32_t *joined;  /* [pixels of a band]: where the joined rows lie; only where there are some */
    int32_t *parts_at; /* [parts] */
    uint8_t *matrices; /* [groups][matrix_bytes] */
};

/* Whether rows are first copied together, since kr would be much more than their short parts. */
static bool joins(const struct eq_kernel *kernel, const struct eq_band *b) {
    return b->window.groups == 1 && b->k <= SHORT && 2 * b->parts * eq_gemm_k(kernel, b->k) >= 3 * eq_gemm_k(kernel, b->parts * b->k);
}

/* What the kernel sees. */
static size_t kernel_parts(const struct eq_kernel *kernel, const struct eq_band *b) { return joins(kernel, b) ? 1 : b->parts; }
static size_t kernel_k(const struct eq_kernel *kernel, const struct eq_band *b) { return b->parts * b->k / kernel_parts(kernel, b); }

static size_t aligned(size_t bytes) { return (bytes + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN; }
static size_t channels_of(const struct eq_gemm_op *op) { return (size_t)(op->window.oc / op->window.groups); }

static struct eq_band band_of(const struct eq_kernel *kernel, const struct eq_gemm_op *op) {
    const size_t share = channels_of(op) * eq_window_k(&op->window) / 8;
    return eq_band_of(&op->window, share < LEAST ? LEAST : share < MOST ? share : MOST, (size_t)op->window.oc, kernel->mr);
}

static bool is_signed(const struct eq_kernel *kernel) { return !strcmp(kernel->types, "s8_s8_s8"); }

/* Whether a band is nothing but a part of x. */
static bool in_place(const struct eq_kernel *kernel, const struct eq_window *w) {
    const size_t k = eq_window_k(w);
    return is_signed(kernel) && eq_window_plain(w) && eq_gemm_k(kernel, k) == k;
}

static size_t matrix_bytes(const struct eq_kernel *kernel, const struct eq_band *b, size_t n) {
    return eq_gemm_s8_packed_at(kernel, n, kernel_parts(kernel, b) * eq_gemm_k(kernel, kernel_k(kernel, b)), NULL).bytes;
}

static size_t layout(struct parts *p, const struct eq_kernel *kernel, const struct eq_band *b, uint8_t *memory) {
    const size_t rows = eq_band_pixels(b) * sizeof *p->rows, head = aligned(sizeof *b);
    const size_t joined = head + rows, parts = joined + (joins(kernel, b) ? rows : 0);
    if (memory) {
        p->band = (void *)memory;
        p->rows = (void *)(memory + head);
        p->joined = (void *)(memory + joined);
        p->parts_at = (void *)(memory + parts);
        p->matrices = memory + aligned(parts + b->parts * sizeof *p->parts_at);
    }
    return aligned(parts + b->parts * sizeof *p->parts_at);
}

/* A band, and what kernels and copies of whole steps read beyond it. */
static size_t band_bytes(const struct eq_kernel *kernel, const struct eq_band *b) {
    return b->lines * b->line + (joins(kernel, b) ? SHORT : eq_gemm_k(kernel, b->k) - b->k);
}

static size_t joined_bytes(const struct eq_kernel *kernel, const struct eq_band *b) {
    return joins(kernel, b) ? eq_band_pixels(b) * eq_gemm_k(kernel, b->parts * b->k) + SHORT : 0;
}

int eq_gemm_band_prepare(struct eq_node *node, const struct eq_gemm_op *op) {
    const struct eq_band b = band_of(node->kernel, op);
    /* Places in a band are 32 bits. */
    EQ_NEED(b.line <= INT32_MAX / b.lines, EQ_ERR_UNSUPPORTED);
    node->packed_bytes = layout(NULL, node->kernel, &b, NULL) + (size_t)op->window.groups * matrix_bytes(node->kernel, &b, channels_of(op));
    node->units = eq_units(node->macs, eq_window_rows(&b.window));
    if (in_place(node->kernel, &op->window)) return EQ_OK;
    node->scratch_bytes = band_bytes(node->kernel, &b) + joined_bytes(node->kernel, &b);
    return EQ_OK;
}

void eq_gemm_band_pack(const struct eq_node *node, const struct eq_gemm_op *op) {
    const struct eq_band b = band_of(node->kernel, op);
    const size_t n = channels_of(op), bytes = matrix_bytes(node->kernel, &b, n), k = b.parts * b.k;
    struct parts p = {0};
    layout(&p, node->kernel, &b, node->packed);
    *p.band = b;
    eq_band_places(&b, p.rows, p.parts_at);
    if (joins(node->kernel, &b))
        for (size_t i = 0; i < eq_band_pixels(&b); i++) p.joined[i] = (uint32_t)(i * eq_gemm_k(node->kernel, k));
    for (size_t g = 0; g < (size_t)op->window.groups; g++) {
        const struct eq_rq rq = eq_rq_from(op->rq, g * n);
        const struct eq_matrix matrix = {
            (const int8_t *)op->w->data + g * n * k, n, kernel_parts(node->kernel, &b), kernel_k(node->kernel, &b), k, b.k, 1};
        eq_gemm_s8_pack(node->kernel, &matrix, &rq, op->attrs.x_zero - (is_signed(node->kernel) ? 0 : INT8_MIN), op->attrs.w_zero,
                        p.matrices + g * bytes);
    }
}

static void run_groups(const struct eq_call *call, const struct parts *p, size_t groups, struct eq_gemm_s8_u8_s8 args) {
    const struct eq_kernel *kernel = call->node->kernel;
    const size_t bytes = matrix_bytes(kernel, p->band, args.n), depth = (size_t)p->band->window.ic / groups;
    for (size_t g = 0; g < groups; g++, args.a += depth, args.y += args.n) {
        const struct eq_gemm_s8_packed w =
            eq_gemm_s8_packed_at(kernel, args.n, args.parts * eq_gemm_k(kernel, args.k), p->matrices + g * bytes);
        args.w = w.w;
        args.rq = (struct eq_rq){w.bias, w.m, w.n};
        args.w_lowest = *w.w_lowest;
        args.n_lowest = *w.n_lowest;
        const union args any = {.u8 = args};
        if (is_signed(kernel)) ((signed_fn)kernel->run)(&any.s8);
        else ((unsigned_fn)kernel->run)(&any.u8);
    }
}

/* Every part as one whole step; what that writes too much the next part, or the next row, writes over. */
static void join(const struct eq_band *b, const struct parts *p, size_t rows, const uint8_t *band, uint8_t *to) {
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *from = band + p->rows[i];
        uint8_t *row = to + p->joined[i];
        for (size_t part = 0; part < b->parts; part++, row += b->k) memcpy(row, from + p->parts_at[part], SHORT);
    }
}

void eq_gemm_band_run(const struct eq_call *call, const struct eq_gemm_op *op) {
    const struct eq_kernel *kernel = call->node->kernel;
    struct parts p = {.band = call->node->packed};
    layout(&p, kernel, p.band, call->node->packed);
    const struct eq_band *b = p.band;
    const size_t channels = (size_t)b->window.oc, width = (size_t)b->window.ow;
    const bool direct = in_place(kernel, &op->window), joined = joins(kernel, b);
    const int32_t start = 0;
    const int8_t *x = eq_read(call, 0);
    uint8_t *band = call->scratch, *together = band + band_bytes(kernel, b);
    struct eq_gemm_s8_u8_s8 args = {.n = channels_of(op),
                                    .parts = kernel_parts(kernel, b),
                                    .k = kernel_k(kernel, b),
                                    .a = joined ? together : band,
                                    .rows = joined ? p.joined : p.rows,
                                    .parts_at = joined ? &start : p.parts_at,
                                    .y_stride = channels,
                                    .w_zero = op->attrs.w_zero,
                                    .y_zero = op->attrs.y_zero,
                                    .lo = op->attrs.lo,
                                    .hi = op->attrs.hi};
    if (joined) memset(together + joined_bytes(kernel, b) - SHORT, 0, SHORT);
    if (!direct) memset(band + b->lines * b->line, 0, band_bytes(kernel, b) - b->lines * b->line);
    struct eq_rows at = {.unit = call->first};
    while (eq_rows_next(&b->window, b->rows, eq_end(call, eq_window_rows(&b->window)), &at)) {
        if (direct) args.a = (const uint8_t *)x + at.first * b->line;
        else eq_band_fill(b, is_signed(kernel), x, op->attrs.x_zero, at.n, (int64_t)at.oy, at.rows, band);
        args.m = at.rows * width;
        args.y = (int8_t *)eq_write(call, 0) + at.first * width * channels;
        if (joined) join(b, &p, args.m, band, together);
        run_groups(call, &p, (size_t)b->window.groups, args);
    }
}
