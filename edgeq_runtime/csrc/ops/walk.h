/* Walk an index space in row-major order and keep two strided offsets (in elements) beside. */
#ifndef EQ_WALK_H
#define EQ_WALK_H
#include "op.h"

struct eq_axis {
    size_t dim;
    ptrdiff_t step[2];
};

struct eq_walk {
    int rank;
    struct eq_axis axes[EQ_MAX_RANK];
    size_t index[EQ_MAX_RANK];
    ptrdiff_t at[2];
};

/* Add an inner axis; axes of length 1 vanish and axes that continue each other become one. */
static inline void eq_walk_axis(struct eq_walk *w, size_t dim, ptrdiff_t step0, ptrdiff_t step1) {
    if (dim == 1) return;
    struct eq_axis *outer = &w->axes[w->rank - (w->rank > 0)];
    const ptrdiff_t length = (ptrdiff_t)dim;
    if (w->rank > 0 && outer->step[0] == step0 * length && outer->step[1] == step1 * length) {
        *outer = (struct eq_axis){outer->dim * dim, {step0, step1}};
    } else {
        w->axes[w->rank++] = (struct eq_axis){dim, {step0, step1}};
    }
}

/* Take the innermost axis out. */
static inline struct eq_axis eq_walk_pop(struct eq_walk *w) { return w->rank > 0 ? w->axes[--w->rank] : (struct eq_axis){1, {0, 0}}; }

/* Step to the next index; false, and back at the start, after the last one. */
static inline bool eq_walk_next(struct eq_walk *w) {
    for (int i = w->rank - 1; i >= 0; i--) {
        const struct eq_axis *axis = &w->axes[i];
        w->at[0] += axis->step[0];
        w->at[1] += axis->step[1];
        if (++w->index[i] < axis->dim) return true;
        w->index[i] = 0;
        w->at[0] -= axis->step[0] * (ptrdiff_t)axis->dim;
        w->at[1] -= axis->step[1] * (ptrdiff_t)axis->dim;
    }
    return false;
}

/* Row-major strides in elements. */
static inline void eq_strides(const struct eq_tensor *t, ptrdiff_t strides[EQ_MAX_RANK]) {
    ptrdiff_t stride = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= t->dims[i];
    }
}
#endif
