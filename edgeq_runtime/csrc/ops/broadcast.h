/* Operators of two inputs by numpy's broadcast rule, as calls over rows. */
#ifndef EQ_BROADCAST_H
#define EQ_BROADCAST_H
#include "op.h"

/* y[i] = f(a[i or 0], b[i or 0]) for n elements; a step is 0 or 1, both 0 only where n is 1. */
struct eq_row {
    const struct eq_call *call;
    size_t n;
    const void *a, *b;
    void *y;
    int a_step, b_step;
};

/* Does the tensor stretch to these dimensions; is y the broadcast shape of a and b. */
bool eq_stretches(const struct eq_tensor *from, const struct eq_tensor *to);
bool eq_is_broadcast(const struct eq_tensor *a, const struct eq_tensor *b, const struct eq_tensor *y);

/* Strides of t, in elements, seen as a tensor of y's rank: 0 along stretched axes. */
void eq_stretched_strides(const struct eq_tensor *t, const struct eq_tensor *y, ptrdiff_t strides[EQ_MAX_RANK]);

int eq_prepare_broadcast(const struct eq_node *node, const struct eq_prepare *ctx, int type);
void eq_run_broadcast(const struct eq_call *call, void (*row)(const struct eq_row *row));

/* One loop for each pair of steps, which the compiler then knows. */
#define EQ_BY_STEPS(row, loop)                                                                                                             \
    do {                                                                                                                                   \
        if (!(row)->b_step) loop(row, 1, 0);                                                                                               \
        else if (!(row)->a_step) loop(row, 0, 1);                                                                                          \
        else loop(row, 1, 1);                                                                                                              \
    } while (0)
#endif
