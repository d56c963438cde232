/* float32 operators of one input. */
#ifndef EQ_UNARY_F32_H
#define EQ_UNARY_F32_H
#include "op.h"

static inline int eq_prepare_unary_f32(const struct eq_node *node, const struct eq_prepare *ctx) {
    return eq_prepare_elementwise(node, ctx, EQ_TYPE_f32, EQ_TYPE_f32);
}

/* Output = the expression in v, each element of the input in turn. */
#define EQ_EACH_F32(call, v, expression)                                                                                                   \
    do {                                                                                                                                   \
        const float *each_x = eq_read(call, 0);                                                                                            \
        float *restrict each_y = eq_write(call, 0);                                                                                        \
        const size_t each_n = eq_out((call)->node, (call)->tensors, 0)->count;                                                             \
        for (size_t each_i = 0; each_i < each_n; each_i++) {                                                                               \
            const float v = each_x[each_i];                                                                                                \
            each_y[each_i] = (expression);                                                                                                 \
        }                                                                                                                                  \
    } while (0)
#endif
