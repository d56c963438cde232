/* An open model: everything lies in the memory of the caller, and all but the packed weights of the file stay in the file. */
#ifndef EQ_MODEL_H
#define EQ_MODEL_H
#include "eq_reader.h"

struct eq_model {
    struct eq_reader reader;
    struct eq_variant variant;
    struct eq_tensor *tensors;
    struct eq_node *nodes;
    struct eq_edge_row *inputs, *outputs;
    struct eq_plan plan;
    size_t scratch_at; /* in the arena */
};

/* Whether the operator before it runs it. */
static inline int eq_runs_before(const struct eq_model *model, uint32_t index) { return index > 0 && model->nodes[index - 1].then != NULL; }

/* EQ_ERR_ALIGNMENT, EQ_ERR_MEMORY or EQ_ERR_ARGUMENT where an arena does not fit the model. */
int eq_arena_check(const struct eq_model *model, const void *arena, size_t size);
#endif
