/* What kernels with weights of less than a byte share, whatever their registers: a unit is UNIT inputs, and SIGNS says whether its weights
 * are signs. LOW_ARGS: the struct of rows of bytes, whose members are the same for all widths. */
#ifndef EQ_KERNELS_LOW_H
#define EQ_KERNELS_LOW_H
#include "eq_kernels.h"

typedef const struct LOW_ARGS *low_args;

struct low_shape {
    size_t units, group, groups; /* of a part; units of a group */
    int pads;                    /* whether inputs beyond k count: signs have no 0 */
};

EQ_INLINE struct low_shape low_shape_of(low_args g) {
    const size_t units = (g->k + UNIT - 1) / UNIT, group = g->multipliers ? g->group / UNIT : units;
    const struct low_shape s = {units, group, (units + group - 1) / group, SIGNS && g->k % UNIT != 0};
    return s;
}

/* What the inputs beyond k of every part of a row, which meet weights of 1, have added; panels have none. */
__attribute__((unused)) EQ_RARE uint32_t low_pads(low_args g, const void *row) {
    const __typeof__(*g->a) *x = row;
    uint32_t sum = 0;
    for (size_t p = 0; p < g->parts; p++)
        for (size_t i = g->k; i % UNIT != 0; i++) sum += (uint32_t)x[g->parts_at[p] + (ptrdiff_t)i];
    return sum;
}
#endif
