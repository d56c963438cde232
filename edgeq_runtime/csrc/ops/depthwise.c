#include "depthwise.h"

int eq_depthwise_sizes(struct eq_window *w, const struct eq_node *node, const struct eq_tensor *tensors) {
    const struct eq_tensor *weights = eq_in(node, tensors, 1);
    EQ_NEED_SHAPE(node->output_count == 1 && weights->rank == 3);
    const int status = eq_window_images(w, eq_in(node, tensors, 0), eq_out(node, tensors, 0));
    if (status != EQ_OK) return status;
    w->kh = weights->dims[0];
    w->kw = weights->dims[1];
    w->groups = w->ic;
    EQ_NEED_SHAPE(weights->dims[2] == w->oc && w->oc % w->ic == 0);
    return EQ_OK;
}

static void walk_row(const struct eq_window *w, struct eq_pixel p, eq_dim first, eq_dim end, void *context, eq_depthwise_fn run) {
    for (; p.ox < first; p.ox++) run(context, &p, 1);
    if (end > first) run(context, &p, (size_t)(end - first));
    for (p.ox = end; p.ox < w->ow; p.ox++) run(context, &p, 1);
}

/* A multiplier makes runs of one pixel: its taps are spread into memory for a single one. */
void eq_depthwise_walk(const struct eq_window *w, size_t row, size_t end, void *context, eq_depthwise_fn run) {
    eq_dim inner, inner_end;
    eq_window_inner(w, &inner, &inner_end);
    for (eq_dim at = (eq_dim)row; at < (eq_dim)end; at++) {
        const struct eq_pixel p = {at / w->oh, at % w->oh, 0};
        if (w->oc == w->ic && eq_window_row_inside(w, p.oy)) walk_row(w, p, inner, inner_end, context, run);
        else walk_row(w, p, 0, 0, context, run);
    }
}

void eq_depthwise_spread(const void *x, size_t channels, size_t mult, size_t element_bytes, void *out) {
    const uint8_t *from = x;
    uint8_t *to = out;
    for (size_t c = 0; c < channels; c++, from += element_bytes, to += mult * element_bytes)
        if (element_bytes == 1) memset(to, *from, mult);
        else if (element_bytes == 2)
            for (size_t i = 0; i < mult; i++) memcpy(to + i * sizeof(int16_t), from, sizeof(int16_t));
        else
            for (size_t i = 0; i < mult; i++) memcpy(to + i * sizeof(float), from, sizeof(float));
}
