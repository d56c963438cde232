#include "window.h"

/* Beyond any use, and small enough that no product of a position and one of these leaves 64 bits; and, where an eq_dim has 32, elements of
 * an image with all that may lie around it. */
enum { LIMIT = 1 << 24, LIMIT_32 = 1 << 28 };

static int within(eq_dim v, eq_dim lo) { return v >= lo && v <= LIMIT; }

static int sizes(struct eq_window *w, const struct eq_tensor *x, const struct eq_tensor *y) {
    EQ_NEED_SHAPE(x->rank == 4 && y->rank == 4 && x->dims[0] == y->dims[0]);
    w->batch = x->dims[0];
    w->ih = x->dims[1];
    w->iw = x->dims[2];
    w->ic = x->dims[3];
    w->oh = y->dims[1];
    w->ow = y->dims[2];
    w->oc = y->dims[3];
    return EQ_OK;
}

int eq_window_images(struct eq_window *w, const struct eq_tensor *x, const struct eq_tensor *y) {
    EQ_NEED_SHAPE(x->type == y->type);
    return sizes(w, x, y);
}

/* The first input and the output have one type. */
static bool keeps_type(const struct eq_node *node, const struct eq_tensor *tensors) {
    return eq_in(node, tensors, 0)->type == eq_out(node, tensors, 0)->type;
}

int eq_window_conv(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors) {
    EQ_NEED_SHAPE(keeps_type(node, tensors));
    return eq_window_conv_any(w, node, tensors);
}

int eq_window_conv_any(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_tensor *weights = eq_in(node, tensors, 1);
    EQ_NEED_SHAPE(node->output_count == 1 && w->groups >= 1 && weights->rank == 4);
    const int status = sizes(w, eq_in(node, tensors, 0), eq_out(node, tensors, 0));
    if (status != EQ_OK) return status;
    w->kh = weights->dims[1];
    w->kw = weights->dims[2];
    EQ_NEED_SHAPE(w->groups <= w->ic && w->ic % w->groups == 0 && w->oc % w->groups == 0);
    EQ_NEED_SHAPE(weights->dims[0] == w->oc && weights->dims[3] == w->ic / w->groups);
    return EQ_OK;
}

int eq_window_dense(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors) {
    EQ_NEED_SHAPE(keeps_type(node, tensors));
    return eq_window_dense_any(w, node, tensors);
}

int eq_window_dense_any(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_tensor *x = eq_in(node, tensors, 0), *weights = eq_in(node, tensors, 1), *y = eq_out(node, tensors, 0);
    const eq_dim rows = (eq_dim)eq_row_count(x);
    EQ_NEED_SHAPE(node->output_count == 1 && x->rank >= 1 && y->rank == x->rank && weights->rank == 2);
    for (int i = 0; i + 1 < x->rank; i++) EQ_NEED_SHAPE(x->dims[i] == y->dims[i]);
    *w = (struct eq_window){.batch = 1,
                            .ih = 1,
                            .iw = rows,
                            .ic = weights->dims[1],
                            .oh = 1,
                            .ow = rows,
                            .oc = weights->dims[0],
                            .kh = 1,
                            .kw = 1,
                            .stride_h = 1,
                            .stride_w = 1,
                            .dilation_h = 1,
                            .dilation_w = 1,
                            .groups = 1};
    EQ_NEED_SHAPE(x->dims[x->rank - 1] == w->ic && y->dims[y->rank - 1] == w->oc);
    return EQ_OK;
}

static eq_dim output_size(eq_dim size, eq_dim pads, eq_dim kernel, eq_dim dilation, eq_dim stride) {
    const eq_dim room = size + pads - (kernel - 1) * dilation - 1;
    return room < 0 ? 0 : room / stride + 1;
}

/* Places along an axis that a sum of its numbers may name; too many to count are LIMIT_32 and more. */
static int64_t reach(eq_dim in, eq_dim out, eq_dim kernel, eq_dim dilation, eq_dim stride, eq_dim pads) {
    const int64_t places = (int64_t)(in > out ? in : out) + (int64_t)kernel * dilation + stride + pads;
    return places < LIMIT_32 ? places : LIMIT_32;
}

/* Where an eq_dim has 32 bits: whether everything that is computed of the window stays in range. */
static bool countable(const struct eq_window *w, eq_dim pad_bottom, eq_dim pad_right) {
    const int64_t height = reach(w->ih, w->oh, w->kh, w->dilation_h, w->stride_h, w->pad_top + pad_bottom);
    const int64_t width = reach(w->iw, w->ow, w->kw, w->dilation_w, w->stride_w, w->pad_left + pad_right);
    return height * width <= LIMIT_32 && height * width * w->ic <= LIMIT_32;
}

int eq_window_check(const struct eq_window *w, eq_dim pad_bottom, eq_dim pad_right) {
    EQ_NEED_SHAPE(within(w->stride_h, 1) && within(w->stride_w, 1) && within(w->dilation_h, 1) && within(w->dilation_w, 1));
    EQ_NEED_SHAPE(within(w->pad_top, 0) && within(w->pad_left, 0) && within(pad_bottom, 0) && within(pad_right, 0));
    EQ_NEED(sizeof(eq_dim) > sizeof(int32_t) || countable(w, pad_bottom, pad_right), EQ_ERR_UNSUPPORTED);
    if (w->transposed) return EQ_OK;
    EQ_NEED_SHAPE(w->oh == output_size(w->ih, w->pad_top + pad_bottom, w->kh, w->dilation_h, w->stride_h));
    EQ_NEED_SHAPE(w->ow == output_size(w->iw, w->pad_left + pad_right, w->kw, w->dilation_w, w->stride_w));
    return EQ_OK;
}

struct eq_pixel eq_pixel_at(const struct eq_window *w, size_t pixel) {
    const eq_dim at = (eq_dim)pixel, row = at / w->ow;
    return (struct eq_pixel){row / w->oh, row % w->oh, at % w->ow};
}

void eq_pixel_next(const struct eq_window *w, struct eq_pixel *p) {
    if (++p->ox < w->ow) return;
    p->ox = 0;
    if (++p->oy < w->oh) return;
    p->oy = 0;
    p->n++;
}

/* The input position of a tap along one axis; < 0: none. */
static eq_dim position(int transposed, eq_dim o, eq_dim k, eq_dim stride, eq_dim pad, eq_dim dilation, eq_dim size) {
    eq_dim i = transposed ? o + pad - k * dilation : o * stride - pad + k * dilation;
    if (i < 0) return -1;
    if (transposed) {
        if (i % stride != 0) return -1;
        i /= stride;
    }
    return i < size ? i : -1;
}

static eq_dim position_y(const struct eq_window *w, eq_dim oy, eq_dim ky) {
    return position(w->transposed, oy, ky, w->stride_h, w->pad_top, w->dilation_h, w->ih);
}

static eq_dim position_x(const struct eq_window *w, eq_dim ox, eq_dim kx) {
    return position(w->transposed, ox, kx, w->stride_w, w->pad_left, w->dilation_w, w->iw);
}

eq_dim eq_window_tap(const struct eq_window *w, const struct eq_pixel *p, eq_dim ky, eq_dim kx) {
    const eq_dim iy = position_y(w, p->oy, ky), ix = position_x(w, p->ox, kx);
    return iy < 0 || ix < 0 ? -1 : ((p->n * w->ih + iy) * w->iw + ix) * w->ic;
}

#if defined __ARM_FEATURE_DSP && __ARM_ARCH_PROFILE == 'M'
#define WIDEN                                                                                                                              \
    "ldr %[even], [%[x]], #4\n\t"                                                                                                          \
    "sxtab16 %[odd], %[zeros], %[even], ror #8\n\t"                                                                                        \
    "sxtab16 %[even], %[zeros], %[even]\n\t"                                                                                               \
    "pkhbt %[low], %[even], %[odd], lsl #16\n\t"                                                                                           \
    "pkhtb %[odd], %[odd], %[even], asr #16\n\t"                                                                                           \
    "str %[low], [%[row]], #4\n\t"                                                                                                         \
    "str %[odd], [%[row]], #4\n\t"
/* Cortex-M with DSP: a word at a time, whatever its alignment. */
void eq_widen_s16(const int8_t *x, int32_t x_zero, size_t count, int16_t *row) {
    enum { STEP = 16 };
    const uint32_t minus = (uint32_t)(uint16_t)-x_zero, zeros = minus << 16 | minus;
    size_t steps = count / STEP;
    uint32_t even, odd, low;
    if (steps)
        __asm volatile("1:\n\t" WIDEN WIDEN WIDEN WIDEN "subs %[steps], #1\n\tbne 1b\n\t"
                       : [x] "+&r"(x), [row] "+&r"(row), [steps] "+&r"(steps), [even] "=&r"(even), [odd] "=&r"(odd), [low] "=&r"(low)
                       : [zeros] "r"(zeros)
                       : "cc", "memory");
    for (size_t i = 0; i < count % STEP; i++) row[i] = (int16_t)(x[i] - x_zero);
}
#else
/* Loops of a constant trip count: compilers vectorize them at any level. */
EQ_INLINE void widen_some(const int8_t *restrict x, int32_t x_zero, const size_t count, int16_t *restrict row) {
    for (size_t i = 0; i < count; i++) row[i] = (int16_t)(x[i] - x_zero);
}

/* What is left of a whole step is done by a step that overlaps the one before. */
void eq_widen_s16(const int8_t *x, int32_t x_zero, size_t count, int16_t *row) {
    enum { STEP = 16, SHORT = 8 };
    if (count >= STEP) {
        for (size_t i = 0; i + STEP <= count; i += STEP) widen_some(x + i, x_zero, STEP, row + i);
        if (count % STEP != 0) widen_some(x + count - STEP, x_zero, STEP, row + count - STEP);
    } else if (count >= SHORT) {
        widen_some(x, x_zero, SHORT, row);
        widen_some(x + count - SHORT, x_zero, SHORT, row + count - SHORT);
    } else {
        for (size_t i = 0; i < count; i++) row[i] = (int16_t)(x[i] - x_zero);
    }
}
#endif

/* Taps of one kernel row that lie side by side in x are copied as one: [*first, *end) of kx. */
static void inside_x(const struct eq_window *w, eq_dim ox, eq_dim *first, eq_dim *end) {
    const eq_dim left = ox * w->stride_w - w->pad_left;
    *first = left < 0 ? (-left < w->kw ? -left : w->kw) : 0;
    *end = left + w->kw > w->iw ? w->iw - left : w->kw;
    if (*end < *first) *end = *first;
}

/* The row being made: copies of elements of `size` bytes, or int8 that become int16. */
struct sink {
    const uint8_t *from;
    uint8_t *to;
    size_t size;
    bool widens;
    int32_t x_zero;
};

/* count elements from an offset of x on; offset < 0: zeros. */
static void put(struct sink *s, eq_dim offset, eq_dim count) {
    const size_t n = (size_t)count, bytes = n * (s->widens ? sizeof(int16_t) : s->size);
    if (n == 0) return;
    if (offset < 0) memset(s->to, 0, bytes);
    else if (s->widens) eq_widen_s16((const int8_t *)s->from + offset, s->x_zero, n, (int16_t *)(void *)s->to);
    else memcpy(s->to, s->from + (size_t)offset * s->size, bytes);
    s->to += bytes;
}

/* The first tap of a pixel whose taps are all inside; < 0: some are not. */
static eq_dim inside(const struct eq_window *w, const struct eq_pixel *p) {
    const eq_dim iy = p->oy * w->stride_h - w->pad_top, ix = p->ox * w->stride_w - w->pad_left;
    const int all = iy >= 0 && ix >= 0 && iy + (w->kh - 1) * w->dilation_h < w->ih && ix + (w->kw - 1) * w->dilation_w < w->iw;
    return all ? ((p->n * w->ih + iy) * w->iw + ix) * w->ic : -1;
}

static void put_joined(struct sink *s, const struct eq_window *w, const struct eq_pixel *p, eq_dim ky) {
    eq_dim first, end;
    inside_x(w, p->ox, &first, &end);
    put(s, -1, first * w->ic);
    if (end > first) put(s, eq_window_tap(w, p, ky, first), (end - first) * w->ic);
    put(s, -1, (w->kw - end) * w->ic);
}

static void put_row(struct sink *s, const struct eq_window *w, const struct eq_pixel *p, eq_dim group) {
    const eq_dim depth = w->ic / w->groups;
    const int joined = !w->transposed && w->dilation_w == 1 && w->groups == 1;
    const eq_dim first = joined ? inside(w, p) : -1;
    if (first >= 0) {
        for (eq_dim ky = 0; ky < w->kh; ky++) put(s, first + ky * w->dilation_h * w->iw * w->ic, w->kw * w->ic);
        return;
    }
    for (eq_dim ky = 0; ky < w->kh; ky++) {
        if (position_y(w, p->oy, ky) < 0) {
            put(s, -1, w->kw * depth);
        } else if (joined) {
            put_joined(s, w, p, ky);
        } else {
            for (eq_dim kx = 0; kx < w->kw; kx++) {
                const eq_dim at = eq_window_tap(w, p, ky, kx);
                put(s, at < 0 ? -1 : at + group * depth, depth);
            }
        }
    }
}

void eq_window_row_s16(const struct eq_window *w, const int8_t *x, int32_t x_zero, const struct eq_pixel *p, eq_dim group, int16_t *row) {
    struct sink s = {.from = (const void *)x, .to = (void *)row, .widens = true, .x_zero = x_zero};
    put_row(&s, w, p, group);
}

void eq_window_row_of_s16(const struct eq_window *w, const int16_t *x, const struct eq_pixel *p, eq_dim group, int16_t *row) {
    struct sink s = {.from = (const void *)x, .to = (void *)row, .size = sizeof *x};
    put_row(&s, w, p, group);
}

void eq_window_row_f32(const struct eq_window *w, const float *x, const struct eq_pixel *p, eq_dim group, float *row) {
    struct sink s = {.from = (const void *)x, .to = (void *)row, .size = sizeof *x};
    put_row(&s, w, p, group);
}

int eq_window_plain(const struct eq_window *w) {
    return !w->transposed && w->groups == 1 && w->kh == 1 && w->kw == 1 && w->stride_h == 1 && w->stride_w == 1 && w->oh == w->ih &&
           w->ow == w->iw && w->pad_top == 0 && w->pad_left == 0;
}

void eq_window_inner(const struct eq_window *w, eq_dim *first, eq_dim *end) {
    const eq_dim reach = (w->kw - 1) * w->dilation_w, last = w->iw - 1 + w->pad_left - reach;
    *first = (w->pad_left + w->stride_w - 1) / w->stride_w;
    *end = last < 0 ? 0 : last / w->stride_w + 1;
    if (*first > w->ow) *first = w->ow;
    if (*end > w->ow) *end = w->ow;
    if (*end < *first) *end = *first;
}

int eq_window_row_inside(const struct eq_window *w, eq_dim oy) {
    const eq_dim top = oy * w->stride_h - w->pad_top;
    return top >= 0 && top + (w->kh - 1) * w->dilation_h < w->ih;
}
