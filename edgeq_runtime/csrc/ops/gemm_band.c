#include "gemm_band.h"
#include "band.h"
#include "pack.h"
#include "panel.h"

typedef void (*unsigned_fn)(const struct eq_gemm_s8_u8_s8 *args);
typedef void (*signed_fn)(const struct eq_gemm_s8_s8_s8 *args);

/* All kernels of bands have the same members, so what is written as one may be read as the other. */
union args {
    struct eq_gemm_s8_u8_s8 u8;
    struct eq_gemm_s8_s8_s8 s8;
};

/* Bytes of a band: all weights pass by once a band, so it is larger where they are many. MOST of the panels of one call, too. */
enum { LEAST = 32768, MOST = 131072, SHORT = 16 };

/* How an operator is computed. It is packed first, then what it names, from its own start on. */
struct plan {
    struct eq_band band;
    bool is_signed;
    bool direct;             /* a band is nothing but a part of x */
    bool joins;              /* rows are first copied together, since kr would be much more than their short parts */
    size_t groups, channels; /* of a group */
    size_t parts, k;         /* what the kernel sees */
    size_t rows_at;          /* uint32_t [pixels of a band] */
    size_t joined_at;        /* uint32_t [pixels of a band], where the joined rows lie; only where there are some */
    size_t parts_at;         /* int32_t [parts of the band] */
    size_t heads_at;         /* [groups] */
    size_t padded;           /* channels of a group as packed */
    size_t head_bytes, weight_bytes;
    size_t band_bytes;   /* with what kernels and copies of whole steps read beyond it */
    size_t joined_bytes; /* of all joined rows */
    size_t panel_rows;   /* most rows of one call; 0: the kernel takes rows as they lie */
    size_t panel_bytes;  /* of so many */
};

static size_t aligned(size_t bytes) { return (bytes + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN; }

static struct eq_band band_of(const struct eq_kernel *kernel, const struct eq_gemm_op *op) {
    const size_t share = (size_t)(op->window.oc / op->window.groups) * eq_window_k(&op->window) / 8;
    const size_t most = eq_band_most(kernel, share < LEAST ? LEAST : share < MOST ? share : MOST);
    struct eq_band b = eq_band_of(&op->window, most, (size_t)op->window.oc, kernel->mr);
    if (op->w.multipliers) { /* their groups begin with every tap */
        b.parts = eq_window_taps(&op->window);
        b.k = eq_window_k(&op->window) / b.parts;
    }
    return b;
}

static void plan_panels(struct plan *p, const struct eq_kernel *kernel) {
    const struct eq_panel panel = {.kernel = kernel, .parts = p->band.parts, .k = p->band.k, .joined = p->parts == 1};
    const size_t pixels = eq_band_pixels(&p->band), some = MOST / (p->parts * eq_gemm_k(kernel, p->k)) / kernel->mr * kernel->mr;
    const size_t most = some ? some : kernel->mr;
    p->panel_rows = pixels < most ? pixels : most;
    p->panel_bytes = eq_panel_bytes(&panel, p->panel_rows);
}

static struct plan plan_of(const struct eq_kernel *kernel, const struct eq_gemm_op *op) {
    const struct eq_window *w = &op->window;
    struct plan p = {.band = band_of(kernel, op), .is_signed = !memcmp(kernel->types, "s8_s8_", 6)};
    const struct eq_band *b = &p.band;
    const bool panels = kernel->grain != 0, one = panels && !op->w.multipliers;
    const size_t all = b->parts * b->k, pixels = eq_band_pixels(b), beyond = panels ? 0 : eq_gemm_k(kernel, b->k) - b->k;
    p.groups = (size_t)w->groups;
    p.channels = (size_t)w->oc / p.groups;
    p.direct = p.is_signed && eq_window_plain(w) && beyond == 0;
    p.joins = p.groups == 1 && !panels && !op->w.multipliers && b->k <= SHORT &&
              2 * b->parts * eq_gemm_k(kernel, b->k) >= 3 * eq_gemm_k(kernel, all);
    p.parts = p.joins || one ? 1 : b->parts;
    p.k = p.joins || one ? all : b->k;
    p.rows_at = aligned(sizeof p);
    p.joined_at = p.rows_at + pixels * sizeof(uint32_t);
    p.parts_at = p.joined_at + (p.joins ? pixels * sizeof(uint32_t) : 0);
    p.heads_at = aligned(p.parts_at + b->parts * sizeof(int32_t));
    p.padded = eq_gemm_s8_channels(kernel, p.channels);
    p.head_bytes = eq_gemm_s8_head_bytes(p.padded, op->w.multipliers ? p.parts * ((p.k + op->w.group - 1) / op->w.group) : 0);
    p.weight_bytes = eq_gemm_s8_bytes(kernel, p.channels, p.parts, p.k);
    p.band_bytes = b->lines * b->line + (p.joins ? SHORT : beyond);
    p.joined_bytes = p.joins ? pixels * eq_gemm_k(kernel, all) + SHORT : 0;
    if (panels) plan_panels(&p, kernel);
    return p;
}

int eq_gemm_band_prepare(struct eq_node *node, const struct eq_gemm_op *op) {
    EQ_NEED(eq_band_fits(&op->window), EQ_ERR_UNSUPPORTED);
    const struct plan p = plan_of(node->kernel, op);
    /* Places in a band are 32 bits. */
    EQ_NEED(p.band.line <= INT32_MAX / p.band.lines, EQ_ERR_UNSUPPORTED);
    node->packed_bytes = p.heads_at + p.groups * p.head_bytes;
    node->weight_bytes = p.groups * p.weight_bytes;
    node->low_bytes = op->w.low ? node->weight_bytes : 0;
    node->layout = eq_layout_of(node->kernel, eq_weight_bits(node->kernel), p.groups, p.channels, p.parts, p.k);
    node->units = eq_units(node->macs, eq_window_rows(&p.band.window));
    node->scratch_bytes = p.panel_bytes + (p.direct ? 0 : p.band_bytes + p.joined_bytes);
    return EQ_OK;
}

/* The tables of a plan. */
static void fill_tables(const struct eq_node *node, const struct plan *p) {
    uint8_t *memory = node->packed;
    uint32_t *joined = (void *)(memory + p->joined_at);
    memcpy(memory, p, sizeof *p);
    eq_band_places(&p->band, (void *)(memory + p->rows_at), (void *)(memory + p->parts_at));
    for (size_t i = 0; p->joins && i < eq_band_pixels(&p->band); i++)
        joined[i] = (uint32_t)(i * eq_gemm_k(node->kernel, p->band.parts * p->band.k));
}

void eq_gemm_band_pack(const struct eq_node *node, const struct eq_gemm_op *op) {
    const struct plan p = plan_of(node->kernel, op);
    const size_t k = p.band.parts * p.band.k;
    uint8_t *heads = node->packed ? (uint8_t *)node->packed + p.heads_at : NULL;
    if (heads) fill_tables(node, &p);
    for (size_t g = 0; g < p.groups; g++) {
        const struct eq_matrix m = {&op->w, g * p.channels * k, g * p.channels, p.channels, p.parts, p.k, k, p.band.k, 1};
        if (!node->in_file) eq_gemm_s8_pack(node->kernel, &m, (int8_t *)node->weights + g * p.weight_bytes);
        if (!node->in_file && op->w.low) eq_gemm_s8_pack_low(node->kernel, &m, (int8_t *)node->low + g * p.weight_bytes);
        if (heads) eq_gemm_s8_heads(node->kernel, &m, op->attrs.x_zero - (p.is_signed ? 0 : INT8_MIN), heads + g * p.head_bytes);
    }
}

static void run_kernel(const struct eq_call *call, const struct plan *p, const union args *args) {
    if (p->is_signed) ((signed_fn)call->node->kernel->run)(&args->s8);
    else ((unsigned_fn)call->node->kernel->run)(&args->u8);
}

/* Some panels at once. */
static void run_panels(const struct eq_call *call, const struct plan *p, union args args) {
    struct eq_gemm_s8_u8_s8 *u8 = &args.u8;
    const struct eq_panel panel = {call->node->kernel, u8->a, u8->rows, u8->parts_at, p->band.parts, p->band.k, p->parts == 1};
    const size_t rows = u8->m;
    u8->a = call->scratch;
    for (size_t i = 0; i < rows; i += u8->m, u8->y += u8->m * u8->y_stride) {
        u8->m = rows - i < p->panel_rows ? rows - i : p->panel_rows;
        eq_panel_fill(&panel, i, u8->m, call->scratch);
        run_kernel(call, p, &args);
    }
}

/* args is changed and not copied: a copy would take a small layer longer than much of its work. */
static void run_groups(const struct eq_call *call, const struct plan *p, union args *args) {
    const size_t depth = (size_t)p->band.window.ic / p->groups;
    struct eq_gemm_s8_u8_s8 *u8 = &args->u8;
    uint8_t *heads = (uint8_t *)call->node->packed + p->heads_at;
    const uint8_t *a = u8->a;
    for (size_t g = 0; g < p->groups; g++, u8->a += depth, u8->y += u8->n, heads += p->head_bytes) {
        u8->w = (const int8_t *)call->node->weights + g * p->weight_bytes;
        if (call->node->low) u8->low = (const uint8_t *)call->node->low + g * p->weight_bytes;
        const struct eq_gemm_s8_heads h = eq_gemm_s8_heads_in(p->padded, heads);
        u8->rq = (struct eq_rq){h.bias, h.m, h.n};
        u8->w_lowest = *h.w_lowest;
        u8->n_lowest = *h.n_lowest;
        if (u8->group != 0) u8->multipliers = h.multipliers;
        if (p->panel_rows) run_panels(call, p, *args);
        else run_kernel(call, p, args);
    }
    u8->a = a;
}

/* Every part as one whole step; what that writes too much the next part, or the next row, writes over. */
static void join(const struct plan *p, size_t rows, const uint8_t *band, uint8_t *to) {
    const uint8_t *memory = (const uint8_t *)p;
    const uint32_t *rows_at = (const void *)(memory + p->rows_at), *joined = (const void *)(memory + p->joined_at);
    const int32_t *parts_at = (const void *)(memory + p->parts_at);
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *from = band + rows_at[i];
        uint8_t *row = to + joined[i];
        for (size_t part = 0; part < p->band.parts; part++, row += p->band.k) memcpy(row, from + parts_at[part], SHORT);
    }
}

void eq_gemm_band_run(const struct eq_call *call, const struct eq_gemm_op *op) {
    const struct plan *p = call->node->packed;
    const struct eq_band *b = &p->band;
    const uint8_t *memory = call->node->packed;
    const size_t channels = (size_t)b->window.oc, width = (size_t)b->window.ow, filled = b->lines * b->line;
    const int32_t start = 0;
    const int8_t *x = eq_read(call, 0);
    uint8_t *band = call->scratch + p->panel_bytes, *together = band + p->band_bytes;
    union args all = {.u8 = {.n = p->channels,
                             .parts = p->parts,
                             .k = p->k,
                             .a = p->joins ? together : band,
                             .rows = (const void *)(memory + (p->joins ? p->joined_at : p->rows_at)),
                             .parts_at = p->joins ? &start : (const void *)(memory + p->parts_at),
                             .y_stride = channels,
                             .w_zero = op->attrs.w_zero,
                             .y_zero = op->attrs.y_zero,
                             .lo = op->attrs.lo,
                             .hi = op->attrs.hi,
                             .group = op->w.group,
                             .up = op->w.times == 1 ? 0 : 4}};
    struct eq_gemm_s8_u8_s8 *args = &all.u8;
    if (p->joins) memset(together + p->joined_bytes - SHORT, 0, SHORT);
    if (!p->direct) memset(band + filled, 0, p->band_bytes - filled);
    struct eq_rows at = {.unit = call->first};
    while (eq_rows_next(&b->window, b->rows, eq_end(call, eq_window_rows(&b->window)), &at)) {
        if (p->direct) args->a = (const uint8_t *)x + at.first * b->line;
        else eq_band_fill(b, p->is_signed, x, op->attrs.x_zero, at.n, (eq_dim)at.oy, at.rows, band);
        args->m = at.rows * width;
        args->y = (int8_t *)eq_write(call, 0) + at.first * width * channels;
        if (p->joins) join(p, args->m, band, together);
        run_groups(call, p, &all);
        eq_then(call, at.first * width * channels, args->m * channels);
    }
}
