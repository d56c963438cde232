/* A float32 operator of two broadcast inputs, with a clamp behind. Before EQ_BINARY_F32(name): static inline float value(float a, float b).
 */
#ifndef EQ_BINARY_F32_H
#define EQ_BINARY_F32_H
#include "broadcast.h"

#define EQ_BINARY_F32(name)                                                                                                                \
    EQ_INLINE void loop(const struct eq_row *row, size_t a_step, size_t b_step) {                                                          \
        const struct eq_##name##_attrs *attrs = row->call->node->attrs;                                                                    \
        const float lo = attrs->lo, hi = attrs->hi, *a = row->a, *b = row->b;                                                              \
        float *restrict y = row->y;                                                                                                        \
        for (size_t i = 0, n = row->n; i < n; i++) {                                                                                       \
            y[i] = eq_clamp_f32(value(a[i * a_step], b[i * b_step]), lo, hi);                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static void row_of(const struct eq_row *row) { EQ_BY_STEPS(row, loop); }                                                               \
    int eq_prepare_##name(struct eq_node *node, const struct eq_prepare *ctx) {                                                            \
        const struct eq_##name##_attrs *attrs = node->attrs;                                                                               \
        EQ_NEED_SHAPE(attrs->lo <= attrs->hi);                                                                                             \
        return eq_prepare_broadcast(node, ctx, EQ_TYPE_f32);                                                                               \
    }                                                                                                                                      \
    void eq_run_##name(const struct eq_call *call) { eq_run_broadcast(call, row_of); }
#endif
