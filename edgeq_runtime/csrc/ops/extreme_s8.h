/* min_s8 and max_s8. Before EQ_EXTREME_S8(name): static inline int8_t value(int8_t a, int8_t b). */
#ifndef EQ_EXTREME_S8_H
#define EQ_EXTREME_S8_H
#include "broadcast.h"

#define EQ_EXTREME_S8(name)                                                                                                                \
    EQ_INLINE void loop(const struct eq_row *row, size_t a_step, size_t b_step) {                                                          \
        const struct eq_##name##_attrs *attrs = row->call->node->attrs;                                                                    \
        const int8_t lo = (int8_t)attrs->lo, hi = (int8_t)attrs->hi, *a = row->a, *b = row->b;                                             \
        int8_t *restrict y = row->y;                                                                                                       \
        for (size_t i = 0, n = row->n; i < n; i++) {                                                                                       \
            const int8_t v = value(a[i * a_step], b[i * b_step]);                                                                          \
            y[i] = v < lo ? lo : v > hi ? hi : v;                                                                                          \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static void row_of(const struct eq_row *row) { EQ_BY_STEPS(row, loop); }                                                               \
    int eq_prepare_##name(struct eq_node *node, const struct eq_prepare *ctx) {                                                            \
        const struct eq_##name##_attrs *attrs = node->attrs;                                                                               \
        EQ_NEED_SHAPE(eq_s8_valid(0, attrs->lo, attrs->hi));                                                                               \
        return eq_prepare_broadcast(node, ctx, EQ_TYPE_s8);                                                                                \
    }                                                                                                                                      \
    void eq_run_##name(const struct eq_call *call) { eq_run_broadcast(call, row_of); }
#endif
