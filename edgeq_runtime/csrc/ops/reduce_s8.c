#include "eq_kernels.h"
#include "reduction.h"

enum { SUM, MEAN, MAX, MIN };

int eq_prepare_reduce_s8(struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_reduce_s8_attrs *a = node->attrs;
    const int status = eq_prepare_reduction(node, ctx, EQ_TYPE_s8, a->axes);
    if (status != EQ_OK) return status;
    EQ_NEED_SHAPE(a->kind >= SUM && a->kind <= MIN);
    if (a->kind > MEAN) return EQ_OK;
    EQ_NEED_SHAPE(eq_is_s8(a->x_zero) && eq_is_s8(a->y_zero) && eq_rq_valid(a->m, a->n));
    node->kernel = eq_select("sum", "s32_s8_s8", ctx->isas);
    EQ_NEED(node->kernel, EQ_ERR_UNSUPPORTED);
    EQ_NEED_SHAPE(eq_reduced_count(eq_in(node, ctx->tensors, 0), a->axes) <= INT32_MAX / 255); /* the sum stays in int32 */
    return EQ_OK;
}

static void sum(const struct eq_reduce_cell *cell, const int8_t *x, int8_t *restrict y) {
    const struct eq_reduce_s8_attrs attrs = *(const struct eq_reduce_s8_attrs *)cell->call->node->attrs;
    int32_t acc[EQ_CELL_WIDTH] = {0}, part[EQ_CELL_WIDTH];
    struct eq_walk walk = cell->walk;
    do {
        const struct eq_sum_s32_s8_s8 args = {
            .channels = cell->width, .rows = 1, .cols = cell->run, .col_step = cell->step, .x = x + walk.at[0], .y = part};
        ((void (*)(const struct eq_sum_s32_s8_s8 *))cell->call->node->kernel->run)(&args);
        for (size_t c = 0; c < cell->width; c++) acc[c] += part[c];
    } while (eq_walk_next(&walk));
    const int32_t zeros = (int32_t)cell->count * attrs.x_zero;
    for (size_t c = 0; c < cell->width; c++) {
        y[c] = eq_clamp_s8(eq_requantize(acc[c] - zeros, attrs.m, attrs.n), attrs.y_zero, INT8_MIN, INT8_MAX);
    }
}

#define EXTREME(name, better)                                                                                                              \
    static int8_t name##_of(int8_t best, const int8_t *x, size_t n, size_t step) {                                                         \
        for (size_t i = 0; i < n; i++) best = x[i * step] better best ? x[i * step] : best;                                                \
        return best;                                                                                                                       \
    }                                                                                                                                      \
    static void name##_into(int8_t *restrict y, const int8_t *x, size_t n) {                                                               \
        for (size_t i = 0; i < n; i++) y[i] = x[i] better y[i] ? x[i] : y[i];                                                              \
    }                                                                                                                                      \
    static void name(const struct eq_reduce_cell *cell, const int8_t *x, int8_t *y) {                                                      \
        struct eq_walk walk = cell->walk;                                                                                                  \
        memcpy(y, x, cell->width);                                                                                                         \
        do {                                                                                                                               \
            const int8_t *from = x + walk.at[0];                                                                                           \
            if (cell->width == 1) y[0] = name##_of(y[0], from, cell->run, cell->step);                                                     \
            else                                                                                                                           \
                for (size_t i = 0; i < cell->run; i++) name##_into(y, from + i * cell->step, cell->width);                                 \
        } while (eq_walk_next(&walk));                                                                                                     \
    }
EXTREME(max, >)
EXTREME(min, <)

static void reduce(const struct eq_reduce_cell *cell) {
    const int32_t kind = ((const struct eq_reduce_s8_attrs *)cell->call->node->attrs)->kind;
    const int8_t *x = (const int8_t *)eq_read(cell->call, 0) + cell->in;
    int8_t *y = (int8_t *)eq_write(cell->call, 0) + cell->out;
    switch (kind) {
    case MAX:
        max(cell, x, y);
        break;
    case MIN:
        min(cell, x, y);
        break;
    default:
        sum(cell, x, y);
    }
}

void eq_run_reduce_s8(const struct eq_call *call) {
    eq_run_reduction(call, ((const struct eq_reduce_s8_attrs *)call->node->attrs)->axes, reduce);
}
