/* The walk that both depthwise convolutions share: runs of pixels with all taps inside, single pixels at the borders. */
#ifndef EQ_OPS_DEPTHWISE_H
#define EQ_OPS_DEPTHWISE_H
#include "eq_kernels.h"
#include "window.h"

/* All sizes of a node whose inputs are x and w [KH, KW, O], O = C mult. */
int eq_depthwise_sizes(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors);
/* Outputs of one input channel. */
static inline size_t eq_depthwise_mult(const struct eq_window *w) { return (size_t)(w->oc / w->ic); }

/* `pixels` pixels from p on, in one output row; more than one only where every tap of all of them is inside. */
typedef void (*eq_depthwise_fn)(void *context, const struct eq_pixel *p, size_t pixels);
/* Output rows [row, end), counted through all images. */
void eq_depthwise_walk(const struct eq_window *w, size_t row, size_t end, void *context, eq_depthwise_fn run);

/* Each of `channels` elements of 1, 2 or 4 bytes mult times. */
void eq_depthwise_spread(const void *x, size_t channels, size_t mult, size_t element_bytes, void *out);
#endif
