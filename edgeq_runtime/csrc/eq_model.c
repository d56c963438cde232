/* Plan and open: resolve a variant of a checked file, let each operator prepare, lay its weights out. */
#include "eq_model.h"
#include <string.h>

/* Where things lie in model memory, from its start. */
struct layout {
    size_t tensors, nodes, inputs, outputs, end;
};

/* *at rounded up to EQ_ALIGN. */
static int align(size_t *at) {
    if (*at > SIZE_MAX - (EQ_ALIGN - 1)) return EQ_ERR_MEMORY;
    *at = (*at + (EQ_ALIGN - 1)) & ~(size_t)(EQ_ALIGN - 1);
    return EQ_OK;
}

/* Reserve `bytes` at the next multiple of EQ_ALIGN: *place. */
static int reserve(size_t *at, size_t bytes, size_t *place) {
    if (align(at) || bytes > SIZE_MAX - *at) return EQ_ERR_MEMORY;
    *place = *at;
    *at += bytes;
    return EQ_OK;
}

static int lay_out(const struct eq_variant *variant, struct layout *layout) {
    size_t at = sizeof(struct eq_model);
    int status = reserve(&at, variant->tensors.count * sizeof(struct eq_tensor), &layout->tensors);
    if (!status) status = reserve(&at, variant->operators.count * sizeof(struct eq_node), &layout->nodes);
    if (!status) status = reserve(&at, variant->inputs.count * sizeof(struct eq_edge_row), &layout->inputs);
    if (!status) status = reserve(&at, variant->outputs.count * sizeof(struct eq_edge_row), &layout->outputs);
    layout->end = at;
    return status;
}

static int open_variant(const struct eq_file *file, int index, struct eq_reader *reader, struct eq_variant *variant) {
    if (index < 0) return EQ_ERR_ARGUMENT;
    int status = eq_reader_open(reader, file->body, file->body_size);
    if (status) return status;
    return (uint32_t)index < reader->variants.count ? eq_reader_variant(reader, (uint32_t)index, variant) : EQ_ERR_ARGUMENT;
}

/* Bits that the CPU lacks are not taken. */
static uint32_t usable(uint32_t isas) { return (isas & eq_cpu_isas()) | 1u << EQ_ISA_portable; }

/* Where in model memory a node keeps what it packs. */
struct kept {
    size_t packed, weights, low;
};

/* Add a prepared node to the plan. */
static int plan_node(struct eq_plan *plan, const struct eq_node *node, struct kept *at) {
    const size_t weights = node->in_file ? 0 : node->weight_bytes, low = node->in_file ? 0 : node->low_bytes;
    int status = EQ_OK;
    plan->macs += node->macs;
    if (node->scratch_bytes > plan->scratch_bytes) plan->scratch_bytes = node->scratch_bytes;
    if (node->packed_bytes) status = reserve(&plan->model_bytes, node->packed_bytes, &at->packed);
    if (!status && weights) status = reserve(&plan->model_bytes, weights, &at->weights);
    if (!status && low) status = reserve(&plan->model_bytes, low, &at->low);
    plan->packed_bytes += node->packed_bytes + weights + low;
    return status;
}

/* Scratch starts at a multiple of EQ_ALIGN; without it the arena ends with the last activation. */
static int plan_arena(struct eq_plan *plan, const struct eq_variant *variant, size_t *scratch_at) {
    plan->activation_bytes = plan->arena_bytes = *scratch_at = variant->activation_bytes;
    return plan->scratch_bytes ? reserve(&plan->arena_bytes, plan->scratch_bytes, scratch_at) : EQ_OK;
}

/* Prepare an operator where there is no memory for the variant's tensors: with only its own, in the order of its inputs. weights: where it
 * packs them, or NULL. */
static int prepare_alone(const struct eq_reader *reader, const struct eq_variant *variant, uint32_t index, uint32_t isas, void *weights,
                         struct eq_node *node) {
    struct eq_tensor tensors[EQ_MAX_INPUTS + 1];
    int32_t places[EQ_MAX_INPUTS + 1];
    struct eq_prepare ctx = {tensors, isas};
    int status = eq_reader_node(reader, variant, index, node);
    for (int i = 0; !status && i <= node->input_count; i++) {
        int32_t from = i < node->input_count ? node->inputs[i] : node->outputs[0];
        places[i] = i;
        status = eq_reader_tensor(reader, variant, (uint32_t)from, &tensors[i]);
    }
    if (status) return status;
    node->inputs = places;
    node->outputs = places + node->input_count;
    status = eq_ops[node->op].prepare(node, &ctx);
    if (status || !weights || !node->weight_bytes) return status;
    node->weights = weights;
    if (node->low_bytes) node->low = (uint8_t *)weights + node->weight_bytes;
    return eq_ops[node->op].prepare(node, &ctx);
}

int eq_plan(struct eq_plan *plan, const struct eq_file *file, int variant_index, uint32_t isas) {
    struct eq_reader reader;
    struct eq_variant variant;
    struct layout layout;
    struct kept kept;
    size_t scratch_at;
    if (!plan || !file || !file->body) return EQ_ERR_ARGUMENT;
    memset(plan, 0, sizeof *plan);
    int status = open_variant(file, variant_index, &reader, &variant);
    if (!status) status = lay_out(&variant, &layout);
    if (status) return status;
    plan->model_bytes = layout.end;
    for (uint32_t i = 0; i < variant.operators.count; i++) {
        struct eq_node node;
        status = prepare_alone(&reader, &variant, i, usable(isas), NULL, &node);
        if (!status) status = eq_reader_weights(&reader, &variant, i, &node);
        if (!status) status = plan_node(plan, &node, &kept);
        if (status) return status;
    }
    return plan_arena(plan, &variant, &scratch_at);
}

static int resolve_edges(struct eq_model *model) {
    const struct eq_reader *reader = &model->reader;
    int status = EQ_OK;
    for (uint32_t i = 0; !status && i < reader->inputs.count; i++)
        status = eq_reader_edge(reader, &reader->inputs, i, &model->tensors[eq_vector_int(&model->variant.inputs, i)], &model->inputs[i]);
    for (uint32_t i = 0; !status && i < reader->outputs.count; i++)
        status =
            eq_reader_edge(reader, &reader->outputs, i, &model->tensors[eq_vector_int(&model->variant.outputs, i)], &model->outputs[i]);
    return status;
}

static int resolve(struct eq_model *model, uint8_t *memory, const struct layout *layout) {
    int status = EQ_OK;
    model->tensors = (struct eq_tensor *)(void *)(memory + layout->tensors);
    model->nodes = (struct eq_node *)(void *)(memory + layout->nodes);
    model->inputs = (struct eq_edge_row *)(void *)(memory + layout->inputs);
    model->outputs = (struct eq_edge_row *)(void *)(memory + layout->outputs);
    for (uint32_t i = 0; !status && i < model->variant.tensors.count; i++)
        status = eq_reader_tensor(&model->reader, &model->variant, i, &model->tensors[i]);
    for (uint32_t i = 0; !status && i < model->variant.operators.count; i++)
        status = eq_reader_node(&model->reader, &model->variant, i, &model->nodes[i]);
    return status ? status : resolve_edges(model);
}

static int prepare_node(struct eq_model *model, uint32_t index, uint32_t isas, uint8_t *memory, size_t size) {
    struct eq_node *node = &model->nodes[index];
    struct eq_prepare ctx = {model->tensors, isas};
    struct kept kept;
    int status = eq_ops[node->op].prepare(node, &ctx);
    if (!status) status = eq_reader_weights(&model->reader, &model->variant, index, node);
    if (!status) status = plan_node(&model->plan, node, &kept);
    if (status || !(node->packed_bytes || node->weight_bytes)) return status;
    if (model->plan.model_bytes > size) return EQ_ERR_MEMORY;
    if (node->packed_bytes) node->packed = memory + kept.packed;
    if (node->weight_bytes && !node->in_file) node->weights = memory + kept.weights;
    if (node->low_bytes && !node->in_file) node->low = memory + kept.low;
    return eq_ops[node->op].prepare(node, &ctx);
}

/* Lets an operator run the one behind it on its own output, which that one overwrites. */
static void join(struct eq_model *model) {
    for (uint32_t i = 0; i + 1 < model->variant.operators.count; i++) {
        struct eq_node *node = &model->nodes[i], *next = &model->nodes[i + 1];
        const struct eq_tensor *made = &model->tensors[node->outputs[0]], *out = &model->tensors[next->outputs[0]];
        if (!node->leads || !next->follows || made->offset != out->offset) continue;
        if (next->inputs[0] != node->outputs[0] && next->inputs[1] != node->outputs[0]) continue;
        node->then = next;
        next->units = out->count;
    }
}

int eq_prepack(const struct eq_file *file, int variant_index, int operator_index, uint32_t isas, struct eq_layout *layout, size_t *bytes,
               void *memory) {
    struct eq_reader reader;
    struct eq_variant variant;
    struct eq_node node;
    if (!file || !file->body || !layout || !bytes) return EQ_ERR_ARGUMENT;
    int status = open_variant(file, variant_index, &reader, &variant);
    if (status) return status;
    if (operator_index < 0 || (uint32_t)operator_index >= variant.operators.count) return EQ_ERR_ARGUMENT;
    status = prepare_alone(&reader, &variant, (uint32_t)operator_index, isas | 1u << EQ_ISA_portable, memory, &node);
    if (status) return status;
    *layout = node.layout;
    *bytes = node.weight_bytes + node.low_bytes;
    return EQ_OK;
}

int eq_open(struct eq_model **opened, const struct eq_file *file, int variant, uint32_t isas, void *memory, size_t size) {
    struct eq_model *model = memory;
    struct layout layout;
    if (!opened || !file || !file->body || !memory) return EQ_ERR_ARGUMENT;
    *opened = NULL;
    if ((uintptr_t)memory % EQ_ALIGN) return EQ_ERR_ALIGNMENT;
    if (size < sizeof *model) return EQ_ERR_MEMORY;
    memset(model, 0, sizeof *model);
    int status = open_variant(file, variant, &model->reader, &model->variant);
    if (!status) status = lay_out(&model->variant, &layout);
    if (status) return status;
    if (size < layout.end) return EQ_ERR_MEMORY;
    model->plan.model_bytes = layout.end;
    status = resolve(model, memory, &layout);
    for (uint32_t i = 0; !status && i < model->variant.operators.count; i++) status = prepare_node(model, i, usable(isas), memory, size);
    if (!status) status = plan_arena(&model->plan, &model->variant, &model->scratch_at);
    if (!status) join(model);
    if (!status) *opened = model;
    return status;
}
