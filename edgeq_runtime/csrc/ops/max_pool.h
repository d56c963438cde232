/* Both max_pool2d operators. EQ_MAX_POOL(op, element type, lowest value). */
#ifndef EQ_MAX_POOL_H
#define EQ_MAX_POOL_H
#include "pool.h"

#define EQ_MAX_POOL(op, T, lowest)                                                                                                         \
    static struct eq_window window_of(const struct eq_##op##_attrs *a) {                                                                   \
        struct eq_window w = {0};                                                                                                          \
        EQ_POOL_WINDOW(&w, a);                                                                                                             \
        return w;                                                                                                                          \
    }                                                                                                                                      \
    static void raise_to(T *restrict y, const T *x, size_t n) {                                                                            \
        for (size_t i = 0; i < n; i++) y[i] = x[i] > y[i] ? x[i] : y[i];                                                                   \
    }                                                                                                                                      \
    static void pixel(const struct eq_cell *cell) {                                                                                        \
        const struct eq_##op##_attrs *attrs = cell->call->node->attrs;                                                                     \
        const T lo = (T)attrs->lo, hi = (T)attrs->hi;                                                                                      \
        const T *x = (const T *)eq_read(cell->call, 0) + cell->in;                                                                         \
        T *restrict y = (T *)eq_write(cell->call, 0) + cell->out;                                                                          \
        const size_t n = cell->channels;                                                                                                   \
        for (size_t i = 0; i < n; i++) y[i] = (lowest);                                                                                    \
        for (size_t r = 0; r < cell->rows; r++) {                                                                                          \
            for (size_t c = 0; c < cell->cols; c++) raise_to(y, x + r * cell->row_step + c * cell->col_step, n);                           \
        }                                                                                                                                  \
        for (size_t i = 0; i < n; i++) y[i] = y[i] < lo ? lo : y[i] > hi ? hi : y[i];                                                      \
    }                                                                                                                                      \
    void eq_run_##op(const struct eq_call *call) { eq_run_pool(call, window_of(call->node->attrs), pixel); }
#endif
