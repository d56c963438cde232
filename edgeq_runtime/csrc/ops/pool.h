/* Pooling: the window of every output pixel, cut to the taps that lie in the input. */
#ifndef EQ_POOL_H
#define EQ_POOL_H
#include "op.h"
#include "window.h"

/* Output pixels side by side whose windows have one shape: the taps of pixel i are rows x cols pixels of x, the first of them at
 * in + i in_step; distances in elements. */
struct eq_cells {
    const struct eq_call *call;
    size_t in, out; /* of pixel 0: the first tap in x, the pixel in y */
    size_t pixels, in_step, rows, cols, row_step, col_step, channels;
};

#define EQ_POOL_WINDOW(w, attrs)                                                                                                           \
    do {                                                                                                                                   \
        EQ_WINDOW_ATTRS(w, attrs);                                                                                                         \
        (w)->kh = (attrs)->kernel_h;                                                                                                       \
        (w)->kw = (attrs)->kernel_w;                                                                                                       \
        (w)->groups = 1;                                                                                                                   \
    } while (0)

/* Fills in the sizes of the window's images and checks everything. */
int eq_prepare_pool(struct eq_window *w, const struct eq_node *node, const struct eq_prepare *ctx, int type, eq_dim pad_bottom,
                    eq_dim pad_right);
/* Lets threads share the rows of output where there is enough to do. */
void eq_pool_share(struct eq_node *node, const struct eq_window *w);
/* An average: include_pad, the kernel's area, and the second input, which holds m and n for every count of taps. n_least: of a pair. */
int eq_pool_check_mean(const struct eq_node *node, const struct eq_prepare *ctx, const struct eq_window *w, int32_t include_pad,
                       int32_t n_least);
/* What the averages of some cells divide by; scaled: by m and n. */
struct eq_mean {
    int32_t count, m, n;
    bool scaled;
};
struct eq_mean eq_pool_mean(const struct eq_cells *cells, int32_t area, int32_t include_pad);
/* w: kernel, strides, dilations and pads; the sizes are those of the tensors. */
void eq_run_pool(const struct eq_call *call, struct eq_window w, void (*run)(const struct eq_cells *cells));
#endif
