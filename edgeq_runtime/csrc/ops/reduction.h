/* Reductions over any set of axes, in cells of neighbouring outputs. */
#ifndef EQ_REDUCTION_H
#define EQ_REDUCTION_H
#include "walk.h"

enum { EQ_CELL_WIDTH = 64 };

/* `width` outputs, at most EQ_CELL_WIDTH. Output c reduces x[walk.at[0] + i step + c] for i < run, for every index of walk. */
struct eq_reduce_cell {
    const struct eq_call *call;
    struct eq_walk walk;
    size_t in, out; /* elements from the start of x, of y */
    size_t run, step, width;
    size_t count; /* elements reduced into one */
};

int eq_prepare_reduction(const struct eq_node *node, const struct eq_prepare *ctx, int type, int32_t axes);
/* Elements that are reduced into one. */
size_t eq_reduced_count(const struct eq_tensor *x, int32_t axes);
void eq_run_reduction(const struct eq_call *call, int32_t axes, void (*cell)(const struct eq_reduce_cell *cell));
#endif
