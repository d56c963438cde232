/* The geometry of convolutions: checks at prepare, and the rows of a product of matrices ("one output pixel, one group") at run. */
#ifndef EQ_OPS_WINDOW_H
#define EQ_OPS_WINDOW_H
#include "op.h"

struct eq_window {
    eq_dim batch, ih, iw, ic, oh, ow, oc, kh, kw;
    eq_dim stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left, groups;
    int transposed;
};

/* k: inputs of one output value. */
static inline size_t eq_window_taps(const struct eq_window *w) { return (size_t)(w->kh * w->kw); }
static inline size_t eq_window_k(const struct eq_window *w) { return (size_t)(w->kh * w->kw * (w->ic / w->groups)); }
static inline size_t eq_window_pixels(const struct eq_window *w) { return (size_t)(w->batch * w->oh * w->ow); }

/* The sizes of x and y, [N, H, W, C] each and of one type. */
int eq_window_images(struct eq_window *w, const struct eq_tensor *x, const struct eq_tensor *y);
/* All sizes of a node whose inputs are x and w [O, KH, KW, C / groups] (groups already set). */
int eq_window_conv(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors);
int eq_window_conv_any(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors); /* x and y of any types */
/* A fully connected layer as a 1 x 1 window: x [rows][K], w [O, K], y [rows][O]. */
int eq_window_dense(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors);
int eq_window_dense_any(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors);
/* Strides, dilations, pads within bounds, the output of the size that they give (transposed: any size). */
int eq_window_check(const struct eq_window *w, eq_dim pad_bottom, eq_dim pad_right);

/* Output rows of all images: what operators share between threads. */
static inline size_t eq_window_rows(const struct eq_window *w) { return (size_t)(w->batch * w->oh); }
/* Some rows of one image: rows [oy, oy + rows) of image n, `first` counted through all images. */
struct eq_rows {
    eq_dim n;
    size_t first, oy, rows, unit; /* unit: where the next ones begin */
};
/* The next rows before `end`, at most so many; 0: there are none. */
static inline int eq_rows_next(const struct eq_window *w, size_t most, size_t end, struct eq_rows *r) {
    const size_t oh = (size_t)w->oh;
    if (r->unit >= end) return 0;
    r->first = r->unit;
    r->n = (eq_dim)(r->unit / oh);
    r->oy = r->unit % oh;
    r->rows = oh - r->oy < most ? oh - r->oy : most;
    if (r->rows > end - r->unit) r->rows = end - r->unit;
    r->unit += r->rows;
    return 1;
}

/* An output pixel. */
struct eq_pixel {
    eq_dim n, oy, ox;
};
void eq_pixel_next(const struct eq_window *w, struct eq_pixel *p);
struct eq_pixel eq_pixel_at(const struct eq_window *w, size_t pixel); /* counted through all images */
/* Where in x the first channel of a tap lies, in elements; < 0: the tap is outside the input. */
eq_dim eq_window_tap(const struct eq_window *w, const struct eq_pixel *p, eq_dim ky, eq_dim kx);

/* All inputs of a pixel and a group in the order (ky, kx, c), padded taps as 0. s8: x - x_zero. */
void eq_window_row_s16(const struct eq_window *w, const int8_t *x, int32_t x_zero, const struct eq_pixel *p, eq_dim group, int16_t *row);
void eq_window_row_of_s16(const struct eq_window *w, const int16_t *x, const struct eq_pixel *p, eq_dim group, int16_t *row);
void eq_window_row_f32(const struct eq_window *w, const float *x, const struct eq_pixel *p, eq_dim group, float *row);
void eq_widen_s16(const int8_t *x, int32_t x_zero, size_t count, int16_t *row);

/* Whether the rows lie in x one after another: 1 x 1, stride 1, no pads, one group. */
int eq_window_plain(const struct eq_window *w);
/* Output columns [*first, *end) whose taps all lie in the columns of the input; empty: *first = *end. Not for transposed. */
void eq_window_inner(const struct eq_window *w, eq_dim *first, eq_dim *end);
/* Whether all taps of output row oy lie in the rows of the input. Not for transposed. */
int eq_window_row_inside(const struct eq_window *w, eq_dim oy);

/* Copies the strides, dilations and first pads out of the attributes of any window operator. */
#define EQ_WINDOW_ATTRS(w, attrs)                                                                                                          \
    do {                                                                                                                                   \
        (w)->stride_h = (attrs)->stride_h;                                                                                                 \
        (w)->stride_w = (attrs)->stride_w;                                                                                                 \
        (w)->dilation_h = (attrs)->dilation_h;                                                                                             \
        (w)->dilation_w = (attrs)->dilation_w;                                                                                             \
        (w)->pad_top = (attrs)->pad_top;                                                                                                   \
        (w)->pad_left = (attrs)->pad_left;                                                                                                 \
    } while (0)
#endif
