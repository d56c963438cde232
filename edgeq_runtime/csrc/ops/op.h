/* What every operator's prepare needs: checks of tensors that come from a file. */
#ifndef EQ_OP_H
#define EQ_OP_H
#include "eq_internal.h"
#include "eq_round.h"
#include <stdbool.h>
#include <string.h>

/* In a loop: no vectors. For table reads and 64-bit products, where baseline x86 has none and gcc's way around takes twice as long. */
#define EQ_KEEP_SCALAR __asm__ volatile("")

/* Leave prepare with the status where the file does not say what the operator needs. */
#define EQ_NEED(condition, status)                                                                                                         \
    do {                                                                                                                                   \
        if (!(condition)) return (status);                                                                                                 \
    } while (0)
#define EQ_NEED_TYPE(tensor, wanted) EQ_NEED((tensor)->type == (wanted), EQ_ERR_UNSUPPORTED)
#define EQ_NEED_SHAPE(condition)     EQ_NEED(condition, EQ_ERR_SHAPE)

static inline bool eq_is_s8(int32_t v) { return v >= INT8_MIN && v <= INT8_MAX; }

static inline bool eq_same_dims(const struct eq_tensor *a, const struct eq_tensor *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof a->dims[0]) == 0;
}

/* A size, a position or a distance along an axis, or in elements of a tensor, which has at most 2^31 - 1 of them: as wide as a register. */
typedef ptrdiff_t eq_dim;

/* A constant of one element type and exactly `count` elements. */
static inline bool eq_is_table(const struct eq_tensor *t, int type, size_t count) {
    return t->data != NULL && t->type == type && t->count == count;
}

static inline size_t eq_element_bytes(const struct eq_tensor *t) { return t->bytes / t->count; }

/* Length of the last axis, and how many such rows there are. */
static inline size_t eq_row_length(const struct eq_tensor *t) { return t->rank ? (size_t)t->dims[t->rank - 1] : 1; }
static inline size_t eq_row_count(const struct eq_tensor *t) { return t->count / eq_row_length(t); }

#ifndef EQ_SHARE_WORK
#define EQ_SHARE_WORK 65536u /* some microseconds on a slow core, some tenths on a fast one: what waking a thread takes */
#endif
/* `units` where there is enough work (multiply-adds, or elements that are moved) to share it between threads, else 0. */
static inline size_t eq_units(uint64_t work, size_t units) { return work >= EQ_SHARE_WORK ? units : 0; }

/* The units of a call, or all of an operator that does not share. */
static inline size_t eq_end(const struct eq_call *call, size_t units) { return call->node->units ? call->end : units; }

/* One input and one output of the given types and of one shape. */
static inline int eq_prepare_elementwise(const struct eq_node *node, const struct eq_prepare *ctx, int x_type, int y_type) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED_SHAPE(node->output_count == 1);
    EQ_NEED_TYPE(x, x_type);
    EQ_NEED_TYPE(y, y_type);
    EQ_NEED_SHAPE(eq_same_dims(x, y));
    return EQ_OK;
}

/* The first input and the only output hold the same whole bytes in another arrangement. */
static inline int eq_prepare_mover(const struct eq_node *node, const struct eq_prepare *ctx) {
    const struct eq_tensor *x = eq_in(node, ctx->tensors, 0), *y = eq_out(node, ctx->tensors, 0);
    EQ_NEED_SHAPE(node->output_count == 1);
    EQ_NEED_TYPE(y, x->type);
    EQ_NEED(eq_type_bits(x->type) >= 8, EQ_ERR_UNSUPPORTED);
    return EQ_OK;
}

/* lo <= hi. Two steps, since a comparison that depends on another keeps compilers from using vectors. */
static inline float eq_clamp_f32(float v, float lo, float hi) {
    v = v < lo ? lo : v;
    return v > hi ? hi : v;
}
#endif
