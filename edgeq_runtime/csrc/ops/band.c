#include "band.h"

enum { PIXELS = 512 };

/* Lines that so many output rows read. */
static size_t lines_of(const struct eq_window *w, size_t rows) {
    const eq_dim stride = w->transposed ? 1 : w->stride_h;
    return (size_t)(((eq_dim)rows - 1) * stride + (w->kh - 1) * w->dilation_h + 1);
}

static size_t line_of(const struct eq_window *w) {
    const eq_dim stride = w->transposed ? 1 : w->stride_w;
    return (size_t)(((w->ow - 1) * stride + (w->kw - 1) * w->dilation_w + 1) * w->ic);
}

bool eq_band_fits(const struct eq_window *w) {
    const eq_dim columns = (w->ow - 1) * (w->transposed ? 1 : w->stride_w) + (w->kw - 1) * w->dilation_w + 1;
    return columns <= INT32_MAX / w->ic && lines_of(w, 2) <= INT32_MAX;
}

/* Whether the taps of a kernel row lie side by side, in order. */
static bool joined(const struct eq_window *w) { return !w->transposed && w->groups == 1 && (w->dilation_w == 1 || w->kw == 1); }

struct eq_band eq_band_of(const struct eq_window *window, size_t most, size_t written, size_t together) {
    struct eq_band b = {.window = *window, .rows = 1};
    struct eq_window *w = &b.window;
    if (eq_window_plain(w)) {
        w->ih = w->oh = (eq_dim)eq_window_pixels(w);
        w->batch = w->iw = w->ow = 1;
    }
    b.line = line_of(w);
    const size_t one = lines_of(w, 1) * b.line, more = lines_of(w, 2) * b.line - one + written * (size_t)w->ow;
    if (most > one) b.rows += (most - one) / more;
    const size_t pixels = (size_t)w->ow < PIXELS ? PIXELS / (size_t)w->ow : 1;
    if (b.rows > pixels) b.rows = pixels;
    if (w->ow == 1 && b.rows > together) b.rows -= b.rows % together;
    if (b.rows > (size_t)w->oh) b.rows = (size_t)w->oh;
    b.lines = lines_of(w, b.rows);
    b.parts = joined(w) ? (size_t)w->kh : eq_window_taps(w);
    b.k = eq_window_k(w) / b.parts;
    return b;
}

void eq_band_places(const struct eq_band *b, uint32_t *rows, int32_t *parts) {
    const struct eq_window *w = &b->window;
    const size_t step_y = b->line * (size_t)(w->transposed ? 1 : w->stride_h), step_x = (size_t)(w->ic * (w->transposed ? 1 : w->stride_w));
    for (size_t oy = 0; oy < b->rows; oy++)
        for (size_t ox = 0; ox < (size_t)w->ow; ox++) *rows++ = (uint32_t)(oy * step_y + ox * step_x);
    const eq_dim columns = (eq_dim)(b->parts / (size_t)w->kh);
    for (eq_dim ky = 0; ky < w->kh; ky++)
        for (eq_dim kx = 0; kx < columns; kx++) {
            const eq_dim y = w->transposed ? w->kh - 1 - ky : ky, x = w->transposed ? w->kw - 1 - kx : kx;
            *parts++ = (int32_t)(y * w->dilation_h * (eq_dim)b->line + x * w->dilation_w * w->ic);
        }
}

/* Loops of a constant trip count: compilers vectorize them at any level. */
EQ_INLINE void flip_some(const int8_t *restrict x, const size_t count, uint8_t *restrict y) {
    for (size_t i = 0; i < count; i++) y[i] = (uint8_t)(x[i] ^ INT8_MIN);
}

/* What is left of a whole step is done by a step that overlaps the one before. */
static void flip_all(const int8_t *x, size_t count, uint8_t *y) {
    enum { STEP = 32, SHORT = 8 };
    if (count >= STEP) {
        for (size_t i = 0; i + STEP <= count; i += STEP) flip_some(x + i, STEP, y + i);
        if (count % STEP != 0) flip_some(x + count - STEP, STEP, y + count - STEP);
    } else if (count >= SHORT) {
        for (size_t i = 0; i + SHORT <= count; i += SHORT) flip_some(x + i, SHORT, y + i);
        flip_some(x + count - SHORT, SHORT, y + count - SHORT);
    } else {
        for (size_t i = 0; i < count; i++) y[i] = (uint8_t)(x[i] ^ INT8_MIN);
    }
}

/* What the bytes of a band are: x, or x + 128. */
struct form {
    int is_signed;
    uint8_t zero; /* of padding */
};

static void put(const struct form *form, const int8_t *x, size_t count, uint8_t *y) {
    if (form->is_signed) memcpy(y, x, count);
    else flip_all(x, count, y);
}

static void stuffed_line(const struct eq_band *b, const int8_t *x, const struct form *form, uint8_t *line) {
    const struct eq_window *w = &b->window;
    const size_t depth = (size_t)w->ic;
    const eq_dim end = (eq_dim)(b->line / depth), origin = w->pad_left - (w->kw - 1) * w->dilation_w;
    for (eq_dim v = 0; v < end; v++, line += depth) {
        const eq_dim at = origin + v;
        if (at >= 0 && at % w->stride_w == 0 && at / w->stride_w < w->iw) put(form, x + at / w->stride_w * w->ic, depth, line);
        else memset(line, form->zero, depth);
    }
}

static void padded_line(const struct eq_band *b, const int8_t *x, const struct form *form, uint8_t *line) {
    const struct eq_window *w = &b->window;
    const size_t pad = (size_t)(w->pad_left * w->ic), input = (size_t)(w->iw * w->ic);
    const size_t left = pad < b->line ? pad : b->line, middle = b->line - left < input ? b->line - left : input;
    memset(line, form->zero, left);
    put(form, x, middle, line + left);
    memset(line + left + middle, form->zero, b->line - left - middle);
}

/* The input line at a virtual position; < 0: padding. */
static eq_dim source(const struct eq_window *w, eq_dim at) {
    if (at < 0 || (w->transposed && at % w->stride_h != 0)) return -1;
    if (w->transposed) at /= w->stride_h;
    return at < w->ih ? at : -1;
}

void eq_band_fill(const struct eq_band *b, int is_signed, const int8_t *x, int32_t x_zero, eq_dim n, eq_dim oy, size_t rows,
                  uint8_t *band) {
    const struct eq_window *w = &b->window;
    const struct form form = {is_signed, (uint8_t)(is_signed ? x_zero : x_zero - INT8_MIN)};
    const size_t lines = lines_of(w, rows), input = (size_t)(w->iw * w->ic);
    const eq_dim origin = w->transposed ? oy + w->pad_top - (w->kh - 1) * w->dilation_h : oy * w->stride_h - w->pad_top;
    x += (size_t)(n * w->ih) * input;
    if (!w->transposed && b->line == input && w->pad_left == 0 && origin >= 0 && origin + (eq_dim)lines <= w->ih) {
        put(&form, x + (size_t)origin * input, lines * input, band);
        return;
    }
    for (size_t i = 0; i < lines; i++, band += b->line) {
        const eq_dim from = source(w, origin + (eq_dim)i);
        if (from < 0) memset(band, form.zero, b->line);
        else if (w->transposed) stuffed_line(b, x + (size_t)from * input, &form, band);
        else padded_line(b, x + (size_t)from * input, &form, band);
    }
}
