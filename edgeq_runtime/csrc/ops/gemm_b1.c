#include "gemm_b1.h"
#include "band.h"
#include "pack_b1.h"

typedef void (*signs_fn)(const struct eq_gemm_b1_b1_b1 *args);
typedef void (*bytes_fn)(const struct eq_gemm_s8_b1_b1 *args);

enum {
    MOST = 65536,     /* bytes of a band */
    TOGETHER = 12,    /* rows that the tiles of every kernel divide */
    SHORT = 4,        /* steps of more bytes take short pieces badly */
    GATHERED = 16384, /* bytes of gathered rows: a first cache holds them */
    BEYOND = 32,      /* bytes that are copied at once */
};

/* One axis of a window: its taps, which of them lie inside the input at each output place. */
struct axis {
    eq_dim out, size, taps, stride, dilation, pad;
};

/* How an operator is computed. It is packed first, then what it names, from its own start on. */
struct plan {
    struct eq_band band; /* its window has the bytes of a pixel as channels */
    bool direct;         /* a band is nothing but a part of x */
    bool gathers;        /* rows are copied together first, with zeros behind them: pieces are no whole steps, or short */
    size_t parts, steps; /* what the kernel sees */
    size_t rows;         /* of one call */
    size_t row_bytes;    /* of a gathered row */
    size_t channels, padded;
    size_t row_kinds, kinds;             /* of output rows, and of pixels: by the taps that are inside */
    size_t rows_at;                      /* uint32_t [pixels of a band] */
    size_t parts_at;                     /* int32_t [parts of the band] */
    size_t row_heads_at, pixel_heads_at; /* uint32_t [oh], [ow] */
    size_t base_at;                      /* int32_t [kinds][padded] */
    size_t m_at, n_at;                   /* int32_t [padded], int8_t [padded]; only where there are some */
    size_t sums_at;                      /* int32_t [kh + 1][kw + 1] */
    size_t packed_bytes, weight_bytes;
    /* Of scratch: the band, gathered rows, uint32_t [rows] where they begin, uint32_t [pixels of a band] for the kernel. */
    size_t gathered_at, places_at, heads_at, scratch_bytes;
    int32_t n_lowest;
};

static size_t aligned(size_t bytes) { return (bytes + EQ_ALIGN - 1) / EQ_ALIGN * EQ_ALIGN; }
static size_t up(size_t n, size_t to) { return (n + to - 1) / to * to; }

static struct axis axis_y(const struct eq_window *w) { return (struct axis){w->oh, w->ih, w->kh, w->stride_h, w->dilation_h, w->pad_top}; }
static struct axis axis_x(const struct eq_window *w) { return (struct axis){w->ow, w->iw, w->kw, w->stride_w, w->dilation_w, w->pad_left}; }

/* Taps whose place lies before `at`, counted from the first tap. */
static eq_dim taps_before(const struct axis *a, eq_dim at) {
    if (at <= 0) return 0;
    const eq_dim taps = (at + a->dilation - 1) / a->dilation;
    return taps < a->taps ? taps : a->taps;
}

/* The smaller of next and the first place at or behind `at`. */
static eq_dim least(eq_dim next, eq_dim at, eq_dim stride) {
    const eq_dim o = (at + stride - 1) / stride;
    return o < next ? o : next;
}

/* Taps [*first, *end) lie inside. Neither rises with o. */
static void inside(const struct axis *a, eq_dim o, eq_dim *first, eq_dim *end) {
    *first = taps_before(a, a->pad - o * a->stride);
    *end = taps_before(a, a->pad - o * a->stride + a->size);
}

/* The first place behind o whose taps are others; there are at most two for each tap. */
static eq_dim next_kind(const struct axis *a, eq_dim o) {
    eq_dim first, end, next = a->out;
    inside(a, o, &first, &end);
    if (first > 0) next = least(next, a->pad - (first - 1) * a->dilation, a->stride);
    if (end > 0) next = least(next, a->pad + a->size - (end - 1) * a->dilation, a->stride);
    return next;
}

static size_t kinds_of(const struct axis *a) {
    size_t kinds = 0;
    for (eq_dim o = 0; o < a->out; o = next_kind(a, o)) kinds++;
    return kinds;
}

static bool makes_signs(const struct eq_node *node, const struct eq_tensor *tensors) {
    return eq_out(node, tensors, 0)->type == EQ_TYPE_b1;
}

/* The window as bytes: a pixel of x is whole words. */
static struct eq_window byte_window(const struct eq_window *w) {
    struct eq_window bytes = *w;
    bytes.ic = (eq_dim)(eq_sign_words((size_t)w->ic) * sizeof(uint32_t));
    return bytes;
}

/* Where things lie behind the plan, and in scratch. */
static void lay_out(struct plan *p, const struct eq_window *w, bool signs) {
    const size_t pixels = eq_band_pixels(&p->band), word = sizeof(uint32_t), many = p->kinds > 1;
    p->rows_at = aligned(sizeof *p);
    p->parts_at = p->rows_at + pixels * word;
    p->row_heads_at = p->parts_at + p->band.parts * word;
    p->pixel_heads_at = p->row_heads_at + many * (size_t)w->oh * word;
    p->base_at = aligned(p->pixel_heads_at + many * (size_t)w->ow * word);
    p->m_at = p->base_at + p->kinds * p->padded * word;
    p->n_at = p->m_at + (signs ? 0 : p->padded * word);
    p->sums_at = p->n_at + (signs ? 0 : p->padded);
    p->packed_bytes = p->sums_at + (size_t)((w->kh + 1) * (w->kw + 1)) * word;
    p->gathered_at = p->direct ? 0 : aligned(p->band.lines * p->band.line);
    p->places_at = p->gathered_at + (p->gathers ? p->rows * p->row_bytes + BEYOND : 0);
    p->heads_at = p->places_at + (p->gathers ? p->rows * word : 0);
    p->scratch_bytes = p->heads_at + pixels * word;
}

static size_t rows_of(const struct eq_kernel *kernel, const struct plan *p) {
    const size_t pixels = eq_band_pixels(&p->band), rows = eq_band_most(kernel, GATHERED) / p->row_bytes / TOGETHER * TOGETHER;
    return !p->gathers || rows > pixels ? pixels : rows > 0 ? rows : pixels < TOGETHER ? pixels : TOGETHER;
}

static struct plan plan_of(const struct eq_kernel *kernel, const struct eq_window *w, bool signs) {
    const struct eq_window bytes = byte_window(w);
    const struct axis y = axis_y(w), x = axis_x(w);
    const size_t channels = (size_t)w->oc, step = kernel->kr ? kernel->kr : sizeof(uint32_t);
    struct plan p = {.band = eq_band_of(&bytes, eq_band_most(kernel, MOST), signs ? channels / 8 + 1 : channels, TOGETHER),
                     .channels = channels};
    p.direct = eq_window_plain(w);
    p.gathers = p.band.k % step != 0 || (p.band.parts > 1 && step > SHORT);
    p.row_bytes = up(p.band.parts * p.band.k, step);
    p.rows = rows_of(kernel, &p);
    p.parts = p.gathers ? 1 : p.band.parts;
    p.steps = (p.gathers ? p.row_bytes : p.band.k) / step;
    p.padded = up(channels, EQ_SIGNS);
    p.row_kinds = kinds_of(&y);
    p.kinds = p.row_kinds * kinds_of(&x);
    p.weight_bytes = kernel->kr ? eq_signs_bytes(kernel, channels, p.parts, p.gathers ? p.row_bytes : p.band.k) : 0;
    lay_out(&p, w, signs);
    return p;
}

/* Nothing that is packed or lies in scratch is too large for 32 bits, whatever the kernel. */
static bool fits(const struct eq_window *w) {
    enum { STEP = 256 /* no kernel takes more bytes */, LARGE = INT32_MAX / 8 };
    const struct eq_window bytes = byte_window(w);
    const struct axis y = axis_y(w), x = axis_x(w);
    if (!eq_band_fits(&bytes)) return false;
    const struct eq_band b = eq_band_of(&bytes, MOST, 1, TOGETHER);
    const uint64_t row = (uint64_t)b.parts * b.k + STEP, padded = (uint64_t)w->oc + EQ_SIGNS, kinds = kinds_of(&y);
    return b.line <= LARGE / b.lines && row <= LARGE / padded && row <= LARGE / eq_band_pixels(&b) && kinds <= LARGE / kinds_of(&x) &&
           kinds * kinds_of(&x) <= LARGE / sizeof(uint32_t) / padded && w->oh + w->ow <= LARGE / (int64_t)sizeof(uint32_t);
}

/* The third input: thresholds, or channel parameters whose sums stay in range. */
static int check_channels(const struct eq_node *node, const struct eq_tensor *tensors, const struct eq_window *w) {
    const struct eq_tensor *t = eq_in(node, tensors, 2);
    const size_t channels = (size_t)w->oc;
    if (makes_signs(node, tensors)) {
        EQ_NEED_SHAPE(eq_is_table(t, EQ_TYPE_s32, channels));
        return EQ_OK;
    }
    EQ_NEED_TYPE(eq_out(node, tensors, 0), EQ_TYPE_s8);
    EQ_NEED_SHAPE(t->count % 9 == 0 && t->count / 9 == channels && eq_is_table(t, EQ_TYPE_u8, t->count));
    const struct eq_rq rq = eq_rq_from(t, 0);
    for (size_t o = 0; o < channels; o++) {
        const int64_t bias = rq.bias[o], most = (bias < 0 ? -bias : bias) + (int64_t)eq_window_k(w);
        EQ_NEED(eq_rq_valid(rq.m[o], rq.n[o]) && most <= INT32_MAX, EQ_ERR_FORMAT);
    }
    return EQ_OK;
}

static int check(const struct eq_node *node, const struct eq_tensor *tensors, const struct eq_signs_op *op) {
    const struct eq_tensor *x = eq_in(node, tensors, 0), *w = eq_in(node, tensors, 1);
    EQ_NEED_TYPE(x, EQ_TYPE_b1);
    EQ_NEED_TYPE(w, EQ_TYPE_b1);
    EQ_NEED_SHAPE(x->data == NULL && w->data != NULL && eq_s8_valid(op->attrs.y_zero, op->attrs.lo, op->attrs.hi));
    const int status = check_channels(node, tensors, &op->window);
    if (status != EQ_OK) return status;
    EQ_NEED(fits(&op->window), EQ_ERR_UNSUPPORTED);
    return EQ_OK;
}

/* sums[y][x]: bits of a channel that are 1 in the taps above y and left of x. */
static void sum_taps(const struct eq_window *w, const uint8_t *data, size_t o, int32_t *sums) {
    const size_t depth = (size_t)w->ic, words = eq_sign_words(depth), width = (size_t)w->kw + 1, first = o * eq_window_taps(w);
    for (size_t x = 0; x < width; x++) sums[x] = 0;
    for (size_t y = 0, tap = 0; y < (size_t)w->kh; y++) {
        int32_t line = 0, *below = sums + (y + 1) * width;
        below[0] = 0;
        for (size_t x = 0; x < (size_t)w->kw; x++, tap++) {
            for (size_t i = 0; i < words; i++) line += (int32_t)eq_sign_count(eq_signs_word(data, depth, first + tap, i));
            below[x + 1] = sums[y * width + x + 1] + line;
        }
    }
}

/* Bits that a pixel of some kind differs in are those of all taps, where padding is 0, less those of the padded taps. */
static int32_t base_of(const struct eq_tensor *channels, size_t o, int64_t inputs, int64_t padded_bits) {
    if (channels->type == EQ_TYPE_u8) return (int32_t)(uint32_t)(eq_rq_from(channels, o).bias[0] + inputs + 2 * padded_bits);
    const int64_t most = ((inputs - ((const int32_t *)(const void *)channels->data)[o]) >> 1) + padded_bits;
    return most > INT32_MAX ? INT32_MAX : (int32_t)most;
}

/* The column of base of one channel. */
static void pack_base(const struct plan *p, const struct eq_window *w, const struct eq_tensor *channels, size_t o, const int32_t *sums,
                      int32_t *base) {
    const struct axis y = axis_y(w), x = axis_x(w);
    const size_t width = (size_t)w->kw + 1;
    for (eq_dim oy = 0; oy < y.out; oy = next_kind(&y, oy)) {
        eq_dim top, bottom, left, right;
        inside(&y, oy, &top, &bottom);
        const int32_t *above = sums + (size_t)top * width, *below = sums + (size_t)bottom * width;
        for (eq_dim ox = 0; ox < x.out; ox = next_kind(&x, ox), base += p->padded) {
            inside(&x, ox, &left, &right);
            const int64_t bits = (int64_t)below[right] - below[left] - above[right] + above[left];
            base[o] = base_of(channels, o, (bottom - top) * (right - left) * w->ic, sums[(size_t)w->kh * width + width - 1] - bits);
        }
    }
}

/* Where the base of each place of an axis begins, `step` from kind to kind. */
static void pack_heads(const struct axis *a, size_t step, uint32_t *heads) {
    uint32_t head = 0;
    for (eq_dim o = 0; o < a->out; head += (uint32_t)step)
        for (const eq_dim next = next_kind(a, o); o < next; o++) heads[o] = head;
}

static void pack_channels(struct plan *p, const struct eq_window *w, const struct eq_tensor *weights, const struct eq_tensor *channels,
                          uint8_t *memory) {
    const bool signs = channels->type == EQ_TYPE_s32;
    int32_t *base = (void *)(memory + p->base_at), *sums = (void *)(memory + p->sums_at);
    for (size_t i = 0; i < p->kinds * p->padded; i++) base[i] = signs ? INT32_MAX : 0;
    for (size_t o = 0; o < p->channels; o++) {
        sum_taps(w, weights->data, o, sums);
        pack_base(p, w, channels, o, sums, base);
    }
    p->n_lowest = INT8_MAX;
    for (size_t o = 0; !signs && o < p->padded; o++) {
        const bool real = o < p->channels;
        int8_t *n = (int8_t *)memory + p->n_at + o;
        ((int32_t *)(void *)(memory + p->m_at))[o] = real ? eq_rq_from(channels, o).m[0] : 0;
        *n = real ? eq_rq_from(channels, o).n[0] : 2;
        if (*n < p->n_lowest) p->n_lowest = *n;
    }
}

static void pack(const struct eq_node *node, const struct eq_tensor *tensors, const struct eq_window *w) {
    const struct eq_tensor *weights = eq_in(node, tensors, 1);
    struct plan p = plan_of(node->kernel, w, makes_signs(node, tensors));
    const struct axis y = axis_y(w), x = axis_x(w);
    uint8_t *memory = node->packed;
    if (p.weight_bytes && !node->in_file)
        eq_signs_pack(node->kernel, p.channels, (size_t)w->ic, p.parts, p.gathers ? p.band.parts * p.band.k : p.band.k, weights->data,
                      node->weights);
    if (!memory) return;
    eq_band_places(&p.band, (void *)(memory + p.rows_at), (void *)(memory + p.parts_at));
    if (p.kinds > 1) {
        pack_heads(&y, p.kinds / p.row_kinds * p.padded, (void *)(memory + p.row_heads_at));
        pack_heads(&x, p.padded, (void *)(memory + p.pixel_heads_at));
    }
    pack_channels(&p, w, weights, eq_in(node, tensors, 2), memory);
    memcpy(memory, &p, sizeof p);
}

int eq_gemm_b1_prepare(struct eq_node *node, const struct eq_prepare *ctx, const struct eq_signs_op *op) {
    const struct eq_window *w = &op->window;
    if (node->packed || node->weights) {
        pack(node, ctx->tensors, w);
        return EQ_OK;
    }
    const int status = check(node, ctx->tensors, op);
    if (status != EQ_OK) return status;
    const bool signs = makes_signs(node, ctx->tensors);
    node->kernel = eq_select("gemm", signs ? "b1_b1_b1" : "s8_b1_b1", ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    const struct plan p = plan_of(node->kernel, w, signs);
    node->macs = (uint64_t)eq_window_pixels(w) * p.channels * eq_window_k(w);
    node->units = eq_units(node->macs / 8, eq_window_rows(&p.band.window));
    node->packed_bytes = p.packed_bytes;
    node->weight_bytes = p.weight_bytes;
    node->layout = eq_layout_of(node->kernel, 1, 1, p.channels, p.parts, (p.gathers ? p.band.parts * p.band.k : p.band.k) * 8);
    node->scratch_bytes = p.scratch_bytes;
    node->leads = !signs;
    return EQ_OK;
}

/* Whole steps of bytes; what that writes too much the next part, or the next row, writes over. */
static void copy_steps(const uint8_t *from, size_t bytes, uint8_t *to) {
    for (size_t i = 0; i < bytes; i += BEYOND) memcpy(to + i, from + i, BEYOND);
}

/* rows_at: of the first of these rows. */
static void gather(const struct plan *plan, size_t rows, const uint32_t *rows_at, const uint8_t *from, uint8_t *to) {
    const struct plan local = *plan, *p = &local; /* which no store can change */
    const int32_t *parts_at = (const void *)((const uint8_t *)plan + p->parts_at), *end = parts_at + p->band.parts;
    const size_t part = p->band.k, used = p->band.parts * part;
    for (size_t i = 0; i < rows; i++, to += p->row_bytes) {
        const uint8_t *row = from + rows_at[i];
        uint8_t *at = to;
        if (p->direct) memcpy(to, row, used); /* nothing lies behind x */
        for (const int32_t *j = parts_at; !p->direct && j < end; j++, at += part) copy_steps(row + *j, part, at);
        if (used < p->row_bytes) memset(to + used, 0, p->row_bytes - used);
    }
}

static void fill_heads(const struct plan *p, const struct eq_rows *at, uint32_t *heads) {
    const uint8_t *memory = (const uint8_t *)p;
    const uint32_t *rows = (const void *)(memory + p->row_heads_at), *pixels = (const void *)(memory + p->pixel_heads_at);
    const size_t width = (size_t)p->band.window.ow;
    for (size_t y = 0; y < at->rows; y++)
        for (size_t x = 0; x < width; x++) *heads++ = p->kinds > 1 ? rows[at->oy + y] + pixels[x] : 0;
}

/* Some pixels from `first` on. */
static void run_kernel(const struct eq_call *call, const struct eq_signs_op *op, const struct eq_signs *signs, size_t first) {
    const struct plan *p = call->node->packed;
    const uint8_t *memory = call->node->packed;
    if (makes_signs(call->node, call->tensors)) {
        const size_t words = p->padded / EQ_SIGNS;
        const struct eq_gemm_b1_b1_b1 args = {*signs, (uint32_t *)eq_write(call, 0) + first * words, words};
        ((signs_fn)call->node->kernel->run)(&args);
        return;
    }
    const struct eq_gemm_s8_b1_b1 args = {.signs = *signs,
                                          .m = (const void *)(memory + p->m_at),
                                          .n = (const int8_t *)memory + p->n_at,
                                          .y = (int8_t *)eq_write(call, 0) + first * p->channels,
                                          .y_stride = p->channels,
                                          .y_zero = op->attrs.y_zero,
                                          .lo = op->attrs.lo,
                                          .hi = op->attrs.hi,
                                          .n_lowest = p->n_lowest};
    ((bytes_fn)call->node->kernel->run)(&args);
    eq_then(call, first * p->channels, signs->m * p->channels);
}

/* All rows of a band, which begin with pixel `first`. */
static void run_band(const struct eq_call *call, const struct eq_signs_op *op, const uint8_t *band, size_t rows, size_t first) {
    const struct plan *p = call->node->packed;
    const uint8_t *memory = call->node->packed;
    const uint32_t *rows_at = (const void *)(memory + p->rows_at), *heads = (const void *)(call->scratch + p->heads_at);
    const int32_t start = 0;
    uint8_t *gathered = call->scratch + p->gathered_at;
    struct eq_signs signs = {.n = p->channels,
                             .parts = p->parts,
                             .steps = p->steps,
                             .a = p->gathers ? gathered : band,
                             .rows = p->gathers ? (const void *)(call->scratch + p->places_at) : rows_at,
                             .parts_at = p->gathers ? &start : (const void *)(memory + p->parts_at),
                             .w = call->node->weights ? call->node->weights : eq_in(call->node, call->tensors, 1)->data,
                             .depth = (size_t)op->window.ic,
                             .base = (const void *)(memory + p->base_at)};
    for (size_t i = 0; i < rows; i += signs.m) {
        signs.m = rows - i < p->rows ? rows - i : p->rows;
        signs.heads = heads + i;
        if (p->gathers) gather(p, signs.m, rows_at + i, band, gathered);
        run_kernel(call, op, &signs, first + i);
    }
}

void eq_gemm_b1_run(const struct eq_call *call, const struct eq_signs_op *op) {
    const struct plan *p = call->node->packed;
    const struct eq_band *b = &p->band;
    const uint8_t *x = eq_read(call, 0);
    const size_t width = (size_t)b->window.ow;
    uint32_t *places = (void *)(call->scratch + p->places_at);
    for (size_t i = 0; p->gathers && i < p->rows; i++) places[i] = (uint32_t)(i * p->row_bytes);
    struct eq_rows at = {.unit = call->first};
    while (eq_rows_next(&b->window, b->rows, eq_end(call, eq_window_rows(&b->window)), &at)) {
        const uint8_t *band = p->direct ? x + at.first * b->line : call->scratch;
        if (!p->direct) eq_band_fill(b, 1, (const int8_t *)x, 0, at.n, (eq_dim)at.oy, at.rows, call->scratch);
        fill_heads(p, &at, (void *)(call->scratch + p->heads_at));
        run_band(call, op, band, at.rows * width, at.first * width);
    }
}
