#include "max_pool.h"

EQ_MAX_POOL(max_pool2d_s8, int8_t, INT8_MIN)

int eq_prepare_max_pool2d_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_max_pool2d_s8_attrs *a = node->attrs;
    struct eq_window w = window_of(a);
    EQ_NEED_SHAPE(eq_s8_valid(0, a->lo, a->hi));
    const int status = eq_prepare_pool(&w, node, ctx, EQ_TYPE_s8, a->pad_bottom, a->pad_right);
    if (status == EQ_OK) eq_pool_share(node, &w);
    return status;
}
