#include "reduction.h"

enum { SUM, MEAN, MAX, MIN };

int eq_prepare_reduce_s16(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_reduce_s16_attrs *a = node->attrs;
    const int status = eq_prepare_reduction(node, ctx, EQ_TYPE_s16, a->axes);
    if (status != EQ_OK) return status;
    EQ_NEED_SHAPE(a->kind >= SUM && a->kind <= MIN);
    EQ_NEED_SHAPE(a->kind > MEAN || eq_rq16_valid(a->m, a->n));
    return EQ_OK;
}

EQ_INLINE void join(int64_t *restrict acc, const int16_t *x, size_t width, const int32_t kind) {
    for (size_t c = 0; c < width; c++)
        acc[c] = kind == MAX ? (x[c] > acc[c] ? x[c] : acc[c]) : kind == MIN ? (x[c] < acc[c] ? x[c] : acc[c]) : acc[c] + x[c];
}

EQ_INLINE void join_all(const struct eq_reduce_cell *cell, const int16_t *x, const int32_t kind, int64_t *acc) {
    struct eq_walk walk = cell->walk;
    for (size_t c = 0; c < cell->width; c++) acc[c] = kind == MAX ? INT16_MIN : kind == MIN ? INT16_MAX : 0;
    do {
        for (size_t i = 0; i < cell->run; i++) join(acc, x + walk.at[0] + i * cell->step, cell->width, kind);
    } while (eq_walk_next(&walk));
}

/* Fewer than 2^31 elements: their sum stays below 2^47. */
static void reduce(const struct eq_reduce_cell *cell) {
    const struct eq_reduce_s16_attrs *a = cell->call->node->attrs;
    const int16_t *x = (const int16_t *)eq_read(cell->call, 0) + cell->in;
    int16_t *y = (int16_t *)eq_write(cell->call, 0) + cell->out;
    int64_t acc[EQ_CELL_WIDTH];
    if (a->kind == MAX) join_all(cell, x, MAX, acc);
    else if (a->kind == MIN) join_all(cell, x, MIN, acc);
    else join_all(cell, x, SUM, acc);
    for (size_t c = 0; c < cell->width; c++)
        y[c] = eq_clamp_s16(a->kind > MEAN ? acc[c] : eq_requantize_wide(acc[c], a->m, a->n), INT16_MIN, INT16_MAX);
}

void eq_run_reduce_s16(const struct eq_call *call) {
    eq_run_reduction(call, ((const struct eq_reduce_s16_attrs *)call->node->attrs)->axes, reduce);
}
