/* Shared by the core, the operators and the kernels. Not part of the API. */
#ifndef EQ_INTERNAL_H
#define EQ_INTERNAL_H
#include "eq.h"
#include "eq_has.h"

/* build.py passes -DEQ_ON_<isa>=0|1 for every row of isa.def and sha256.def. */
#define EQ_CAT_(a, b) a##b
#define EQ_CAT(a, b)  EQ_CAT_(a, b)
#define EQ_WHEN_0(...)
#define EQ_WHEN_1(...) __VA_ARGS__

#define EQ_INLINE static inline __attribute__((always_inline))

/* struct eq_<op>_attrs, read in place from the file: 4 bytes a field, no padding. */
#define EQ_OP(id, name, inputs_min, inputs_max, ...)                                                                                       \
    struct eq_##name##_attrs {                                                                                                             \
        __VA_ARGS__                                                                                                                        \
    };
#define EQ_OP_PLAIN(id, name, inputs_min, inputs_max)
#include "ops.def"
#undef EQ_OP
#undef EQ_OP_PLAIN

struct eq_tensor {
    const char *name;
    const uint8_t *data; /* constant; NULL: an activation */
    size_t offset;       /* in the arena, where data is NULL */
    size_t count;        /* elements */
    size_t bytes;
    int32_t dims[EQ_MAX_RANK]; /* unused: 1 */
    uint8_t rank;
    uint8_t type; /* enum eq_type */
    float scale;
    int32_t zero;
};

uint32_t eq_type_bits(int type);    /* of an element; 0: no such type */
const char *eq_type_name(int type); /* "": no such type */

struct eq_node {
    uint16_t op; /* place in the operator table, not the id */
    uint16_t input_count, output_count;
    const int32_t *inputs, *outputs; /* into eq_model.tensors */
    const void *attrs;               /* struct eq_<op>_attrs */
    const char *name;
    const struct eq_kernel *kernel; /* NULL: the operator has no micro-kernel */
    void *packed;                   /* what the operator makes of its constants, beside weights */
    size_t packed_bytes;
    void *weights; /* as the kernel wants them; NULL: used in place */
    void *low;     /* the low plane of nested ones, in the same layout; NULL: there is none */
    size_t weight_bytes;
    size_t low_bytes;        /* as many, or 0 */
    struct eq_layout layout; /* of weights */
    int in_file;             /* whether weights lie in the file */
    size_t scratch_bytes;
    uint64_t macs;
    int leads;            /* calls eq_then for what it has just written */
    int follows;          /* may run on any stretch of its output's elements */
    struct eq_node *then; /* the operator behind it, which it runs on each of its parts while they are in the cache; NULL: none */
    size_t units;         /* parts that may run apart, in any order or at once, each with scratch of its own; 0: only the whole */
};

/* What an operator's prepare sees. It is called twice with the same node: first with packed and weights NULL, to check everything and to
 * set kernel, packed_bytes, weight_bytes with their layout, scratch_bytes, macs and units; then, where there are such bytes, with packed
 * or weights, or both, pointing to that much memory, to fill it (weights only where they are not in_file). After a successful prepare the
 * operator's run cannot fail and touches only what its tensors own. */
struct eq_prepare {
    const struct eq_tensor *tensors;
    uint32_t isas;
};

struct eq_call {
    const struct eq_node *node;
    const struct eq_tensor *tensors;
    uint8_t *arena;
    uint8_t *scratch;  /* EQ_ALIGN-aligned, node->scratch_bytes */
    size_t first, end; /* the units to run; an operator without units runs whole */
};

struct eq_op_impl {
    uint16_t id;
    uint16_t inputs_min, inputs_max;
    uint16_t attr_bytes;
    const char *name;
    int (*prepare)(struct eq_node *node, const struct eq_prepare *ctx); /* an eq_status */
    void (*run)(const struct eq_call *call);
};
extern const struct eq_op_impl eq_ops[];
extern const size_t eq_op_impl_count;

#define EQ_OP(id, name, inputs_min, inputs_max, ...)                                                                                       \
    int eq_prepare_##name(struct eq_node *node, const struct eq_prepare *ctx);                                                             \
    void eq_run_##name(const struct eq_call *call);
#define EQ_OP_PLAIN(id, name, inputs_min, inputs_max) EQ_OP(id, name, inputs_min, inputs_max, )
#include "ops.def"
#undef EQ_OP
#undef EQ_OP_PLAIN

static inline const struct eq_tensor *eq_in(const struct eq_node *node, const struct eq_tensor *tensors, int i) {
    return &tensors[node->inputs[i]];
}
static inline const struct eq_tensor *eq_out(const struct eq_node *node, const struct eq_tensor *tensors, int i) {
    return &tensors[node->outputs[i]];
}
static inline const void *eq_read(const struct eq_call *call, int i) {
    const struct eq_tensor *t = eq_in(call->node, call->tensors, i);
    return t->data ? t->data : call->arena + t->offset;
}
static inline void *eq_write(const struct eq_call *call, int i) { return call->arena + eq_out(call->node, call->tensors, i)->offset; }

/* Elements [first, first + count) of the output are there. */
static inline void eq_then(const struct eq_call *call, size_t first, size_t count) {
    struct eq_call next = *call;
    if (!call->node->then) return;
    next.node = call->node->then;
    next.first = first;
    next.end = first + count;
    eq_ops[next.node->op].run(&next);
}
#endif
