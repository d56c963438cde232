#include "max_pool.h"
#include <math.h>

EQ_MAX_POOL(max_pool2d_f32, float, -INFINITY)

int eq_prepare_max_pool2d_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_max_pool2d_f32_attrs *a = node->attrs;
    struct eq_window w = window_of(a);
    EQ_NEED_SHAPE(a->lo <= a->hi);
    return eq_prepare_pool(&w, node, ctx, EQ_TYPE_f32, a->pad_bottom, a->pad_right);
}
