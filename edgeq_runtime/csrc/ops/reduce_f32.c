#include "reduction.h"
#include <math.h>

enum { SUM, MEAN, MAX, MIN, PRODUCT, SQUARES, MAGNITUDES, ROOT, KINDS };

int eq_prepare_reduce_f32(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_reduce_f32_attrs *a = node->attrs;
    EQ_NEED_SHAPE(a->kind >= SUM && a->kind < KINDS);
    return eq_prepare_reduction(node, ctx, EQ_TYPE_f32, a->axes);
}

/* s = expression in s and v for every element v, in row-major order of the reduced axes. */
#define FOLD(name, expression)                                                                                                             \
    static void name(const struct eq_reduce_cell *cell, const float *x, float *restrict acc) {                                             \
        struct eq_walk walk = cell->walk;                                                                                                  \
        do {                                                                                                                               \
            for (size_t i = 0; i < cell->run; i++) {                                                                                       \
                const float *from = x + walk.at[0] + i * cell->step;                                                                       \
                for (size_t c = 0; c < cell->width; c++) {                                                                                 \
                    const float v = from[c], s = acc[c];                                                                                   \
                    acc[c] = (expression);                                                                                                 \
                }                                                                                                                          \
            }                                                                                                                              \
        } while (eq_walk_next(&walk));                                                                                                     \
    }
FOLD(sum, s + v)
FOLD(max, v > s ? v : s)
FOLD(min, v < s ? v : s)
FOLD(product, s *v)
FOLD(squares, s + v * v)
FOLD(magnitudes, s + (v < 0.0f ? -v : v))

static float start_of(int32_t kind) { return kind == MAX ? -INFINITY : kind == MIN ? INFINITY : kind == PRODUCT ? 1.0f : 0.0f; }

static float finish(int32_t kind, float v, size_t count) { return kind == MEAN ? v / (float)count : kind == ROOT ? sqrtf(v) : v; }

static void reduce(const struct eq_reduce_cell *cell) {
    static void (*const folds[KINDS])(const struct eq_reduce_cell *, const float *, float *restrict) = {
        [SUM] = sum,     [MEAN] = sum, [MAX] = max, [MIN] = min, [PRODUCT] = product, [SQUARES] = squares, [MAGNITUDES] = magnitudes,
        [ROOT] = squares};
    const int32_t kind = ((const struct eq_reduce_f32_attrs *)cell->call->node->attrs)->kind;
    float acc[EQ_CELL_WIDTH], *y = (float *)eq_write(cell->call, 0) + cell->out;
    for (size_t c = 0; c < cell->width; c++) acc[c] = start_of(kind);
    folds[kind](cell, (const float *)eq_read(cell->call, 0) + cell->in, acc);
    for (size_t c = 0; c < cell->width; c++) y[c] = finish(kind, acc[c], cell->count);
}

void eq_run_reduce_f32(const struct eq_call *call) {
    eq_run_reduction(call, ((const struct eq_reduce_f32_attrs *)call->node->attrs)->axes, reduce);
}
