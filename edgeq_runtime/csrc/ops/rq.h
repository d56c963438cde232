/* The constants of an int8 operator with weights: checks at prepare, so that no sum at run can leave 32 bits. */
#ifndef EQ_OPS_RQ_H
#define EQ_OPS_RQ_H
#include "eq_kernels.h"
#include "op.h"

/* The attributes that all of them have. */
struct eq_s8_attrs {
    int32_t x_zero, w_zero, y_zero, lo, hi;
};
#define EQ_S8_ATTRS(a)                                                                                                                     \
    { (a)->x_zero, (a)->w_zero, (a)->y_zero, (a)->lo, (a)->hi }

/* The channel parameters from channel `first` on of a tensor of 9 O bytes. */
struct eq_rq eq_rq_from(const struct eq_tensor *rq, size_t first);
/* The same from channel `first` on. */
static inline struct eq_rq eq_rq_at(const struct eq_rq *rq, size_t first) {
    return (struct eq_rq){rq->bias + first, rq->m + first, rq->n + first};
}
/* Largest |q - zero| of an int8 q. */
int32_t eq_s8_reach(int32_t zero);
#endif
