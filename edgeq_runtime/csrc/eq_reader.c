#include "eq_reader.h"
#include "eq_quant.h"
#include <string.h>

/* Places of the fields in schema/eqm.fbs. */
enum { MODEL_NAME, MODEL_ALIGNMENT, MODEL_INPUTS, MODEL_OUTPUTS, MODEL_LABELS, MODEL_VARIANTS, MODEL_BUFFERS, MODEL_PROVENANCE };
enum { VARIANT_NAME, VARIANT_TENSORS, VARIANT_OPERATORS, VARIANT_INPUTS, VARIANT_OUTPUTS, VARIANT_ACTIVATION_BYTES, VARIANT_SELFTEST };
enum { TENSOR_SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_OFFSET, TENSOR_SCALE, TENSOR_ZERO, TENSOR_NAME };
enum { OPERATOR_OP, OPERATOR_INPUTS, OPERATOR_OUTPUTS, OPERATOR_ATTRIBUTES, OPERATOR_NAME, OPERATOR_PACKED };
enum { PACKED_LAYOUT, PACKED_BUFFER, PACKED_ISA, PACKED_LOW };
enum { EDGE_NAME, EDGE_SHAPE, EDGE_PERMUTATION, EDGE_TYPE };
enum { SELFTEST_INPUTS, SELFTEST_SEEDS, SELFTEST_OUTPUTS };
enum { BUFFER_DATA };
enum { PROVENANCE_RECIPE = 2, PROVENANCE_IMPORT_OPTIONS = 8 };

#define TRY(call)                                                                                                                          \
    do {                                                                                                                                   \
        int status_ = (call);                                                                                                              \
        if (status_) return status_;                                                                                                       \
    } while (0)

int32_t eq_vector_int(const struct eq_vector *vector, uint32_t index) {
    int32_t v;
    memcpy(&v, vector->data + (size_t)4 * index, sizeof v);
    return v;
}

uint32_t eq_type_bits(int type) {
    switch (type) {
#define EQ_QTYPE(id, name, bits)                                                                                                           \
    case id:                                                                                                                               \
        return bits;
#include "qtypes.def"
#undef EQ_QTYPE
    default:
        return 0;
    }
}

const char *eq_type_name(int type) {
    switch (type) {
#define EQ_QTYPE(id, name, bits)                                                                                                           \
    case id:                                                                                                                               \
        return #name;
#include "qtypes.def"
#undef EQ_QTYPE
    default:
        return "";
    }
}

int eq_reader_open(struct eq_reader *reader, const uint8_t *data, size_t size) {
    struct eq_body *body = &reader->body;
    struct eq_table root;
    *body = (struct eq_body){data, size};
    TRY(eq_body_root(body, &root));
    TRY(eq_table_string(body, &root, MODEL_NAME, &reader->name));
    TRY(eq_table_u32(body, &root, MODEL_ALIGNMENT, 64, &reader->alignment));
    TRY(eq_table_vector(body, &root, MODEL_INPUTS, 4, &reader->inputs));
    TRY(eq_table_vector(body, &root, MODEL_OUTPUTS, 4, &reader->outputs));
    TRY(eq_table_vector(body, &root, MODEL_VARIANTS, 4, &reader->variants));
    TRY(eq_table_vector(body, &root, MODEL_BUFFERS, 4, &reader->buffers));
    if (reader->alignment != 16 && reader->alignment != 64) return EQ_ERR_FORMAT;
    if (!reader->variants.count || !reader->outputs.count) return EQ_ERR_FORMAT;
    return (uintptr_t)data % reader->alignment ? EQ_ERR_ALIGNMENT : EQ_OK;
}

int eq_reader_buffer(const struct eq_reader *reader, uint32_t index, const uint8_t **data, uint32_t *size) {
    struct eq_table table;
    struct eq_vector bytes;
    TRY(eq_vector_table(&reader->body, &reader->buffers, index, &table));
    TRY(eq_table_vector(&reader->body, &table, BUFFER_DATA, 1, &bytes));
    if (!bytes.data) return EQ_ERR_FORMAT;
    if (bytes.at % reader->alignment) return EQ_ERR_ALIGNMENT;
    *data = bytes.data;
    *size = bytes.count;
    return EQ_OK;
}

int eq_reader_origin(const struct eq_reader *reader, struct eq_origin *origin) {
    const struct eq_body *body = &reader->body;
    struct eq_table root, table;
    *origin = (struct eq_origin){"", ""};
    TRY(eq_body_root(body, &root));
    if (!eq_table_has(&root, MODEL_PROVENANCE)) return EQ_OK;
    TRY(eq_table_table(body, &root, MODEL_PROVENANCE, &table));
    TRY(eq_table_string(body, &table, PROVENANCE_RECIPE, &origin->recipe));
    return eq_table_string(body, &table, PROVENANCE_IMPORT_OPTIONS, &origin->import_options);
}

int eq_reader_variant(const struct eq_reader *reader, uint32_t index, struct eq_variant *variant) {
    const struct eq_body *body = &reader->body;
    struct eq_table *table = &variant->table;
    TRY(eq_vector_table(body, &reader->variants, index, table));
    TRY(eq_table_string(body, table, VARIANT_NAME, &variant->name));
    TRY(eq_table_vector(body, table, VARIANT_TENSORS, 4, &variant->tensors));
    TRY(eq_table_vector(body, table, VARIANT_OPERATORS, 4, &variant->operators));
    TRY(eq_table_vector(body, table, VARIANT_INPUTS, 4, &variant->inputs));
    TRY(eq_table_vector(body, table, VARIANT_OUTPUTS, 4, &variant->outputs));
    TRY(eq_table_u32(body, table, VARIANT_ACTIVATION_BYTES, 0, &variant->activation_bytes));
    if (variant->tensors.count > UINT16_MAX || variant->operators.count > UINT16_MAX) return EQ_ERR_UNSUPPORTED;
    if (variant->inputs.count != reader->inputs.count || variant->outputs.count != reader->outputs.count) return EQ_ERR_FORMAT;
    return EQ_OK;
}

/* A shape of positive dimensions; unused entries become 1. */
static int read_shape(const struct eq_body *body, const struct eq_table *table, int field, int32_t dims[EQ_MAX_RANK], uint8_t *rank,
                      size_t *count) {
    struct eq_vector shape;
    uint64_t product = 1;
    TRY(eq_table_vector(body, table, field, 4, &shape));
    if (shape.count > EQ_MAX_RANK) return EQ_ERR_FORMAT;
    for (uint32_t i = 0; i < EQ_MAX_RANK; i++) {
        dims[i] = i < shape.count ? eq_vector_int(&shape, i) : 1;
        if (dims[i] < 1) return EQ_ERR_FORMAT;
        product *= (uint64_t)dims[i];
        if (product > INT32_MAX) return EQ_ERR_FORMAT;
    }
    *rank = (uint8_t)shape.count;
    *count = (size_t)product;
    return EQ_OK;
}

/* Constants of less than a byte follow each other; a row of signs that is computed is whole words. */
static int size_tensor(struct eq_tensor *tensor, int constant) {
    const uint32_t bits = eq_type_bits(tensor->type);
    uint64_t bytes = ((uint64_t)tensor->count * bits + 7) / 8;
    if (!bits || (!constant && bits < 8 && tensor->type != EQ_TYPE_b1)) return EQ_ERR_UNSUPPORTED;
    if (!constant && tensor->type == EQ_TYPE_b1) {
        const uint32_t row = tensor->rank ? (uint32_t)tensor->dims[tensor->rank - 1] : 1;
        bytes = tensor->count / row * ((row + 31) / 32) * UINT64_C(4);
    }
    if (bytes > INT32_MAX) return EQ_ERR_FORMAT;
    tensor->bytes = (size_t)bytes;
    return EQ_OK;
}

static int place_tensor(const struct eq_reader *reader, const struct eq_variant *variant, const struct eq_table *table,
                        struct eq_tensor *tensor) {
    uint32_t buffer, offset, size;
    TRY(eq_table_u32(&reader->body, table, TENSOR_BUFFER, UINT32_MAX, &buffer));
    TRY(eq_table_u32(&reader->body, table, TENSOR_OFFSET, 0, &offset));
    TRY(size_tensor(tensor, buffer != UINT32_MAX));
    tensor->data = NULL;
    tensor->offset = offset;
    if (buffer == UINT32_MAX) {
        if (offset % 16) return EQ_ERR_ALIGNMENT;
        int fits = tensor->bytes <= variant->activation_bytes && offset <= variant->activation_bytes - tensor->bytes;
        return fits ? EQ_OK : EQ_ERR_FORMAT;
    }
    TRY(eq_reader_buffer(reader, buffer, &tensor->data, &size));
    return size == tensor->bytes ? EQ_OK : EQ_ERR_FORMAT;
}

int eq_reader_tensor(const struct eq_reader *reader, const struct eq_variant *variant, uint32_t index, struct eq_tensor *tensor) {
    const struct eq_body *body = &reader->body;
    struct eq_table table;
    uint32_t scale, zero;
    TRY(eq_vector_table(body, &variant->tensors, index, &table));
    TRY(read_shape(body, &table, TENSOR_SHAPE, tensor->dims, &tensor->rank, &tensor->count));
    TRY(eq_table_u8(body, &table, TENSOR_TYPE, 0, &tensor->type));
    TRY(eq_table_u32(body, &table, TENSOR_SCALE, 0, &scale));
    TRY(eq_table_u32(body, &table, TENSOR_ZERO, 0, &zero));
    TRY(eq_table_string(body, &table, TENSOR_NAME, &tensor->name));
    memcpy(&tensor->scale, &scale, sizeof scale);
    tensor->zero = (int32_t)zero;
    /* 0, or a positive normal number: nothing that divides can overflow to a NaN. */
    if (scale && (scale < 0x00800000u || scale >= 0x7f800000u)) return EQ_ERR_FORMAT;
    if (tensor->zero < -128 || tensor->zero > 127) return EQ_ERR_FORMAT;
    return place_tensor(reader, variant, &table, tensor);
}

static int find_op(uint32_t id, uint16_t *place) {
    for (size_t i = 0; i < eq_op_impl_count; i++)
        if (eq_ops[i].id == id) {
            *place = (uint16_t)i;
            return EQ_OK;
        }
    return EQ_ERR_UNSUPPORTED;
}

int eq_reader_node(const struct eq_reader *reader, const struct eq_variant *variant, uint32_t index, struct eq_node *node) {
    const struct eq_body *body = &reader->body;
    struct eq_table table;
    struct eq_vector inputs, outputs, attrs;
    uint16_t id;
    memset(node, 0, sizeof *node);
    TRY(eq_vector_table(body, &variant->operators, index, &table));
    TRY(eq_table_u16(body, &table, OPERATOR_OP, &id));
    TRY(find_op(id, &node->op));
    TRY(eq_table_vector(body, &table, OPERATOR_INPUTS, 4, &inputs));
    TRY(eq_table_vector(body, &table, OPERATOR_OUTPUTS, 4, &outputs));
    TRY(eq_table_vector(body, &table, OPERATOR_ATTRIBUTES, 4, &attrs));
    TRY(eq_table_string(body, &table, OPERATOR_NAME, &node->name));
    const struct eq_op_impl *op = &eq_ops[node->op];
    if (inputs.count < op->inputs_min || inputs.count > op->inputs_max || inputs.count > EQ_FORMAT_INPUTS) return EQ_ERR_FORMAT;
    if (inputs.count > EQ_MAX_INPUTS) return EQ_ERR_UNSUPPORTED;
    if (outputs.count != 1 || attrs.count != op->attr_bytes / 4u) return EQ_ERR_FORMAT;
    node->input_count = (uint16_t)inputs.count;
    node->output_count = 1;
    /* Vectors lie at multiples of 4 in a body that lies at a multiple of 16. */
    node->inputs = (const int32_t *)(const void *)inputs.data;
    node->outputs = (const int32_t *)(const void *)outputs.data;
    node->attrs = attrs.data;
    for (uint32_t i = 0; i < inputs.count; i++)
        if (node->inputs[i] < 0 || (uint32_t)node->inputs[i] >= variant->tensors.count) return EQ_ERR_FORMAT;
    if (node->outputs[0] < 0 || (uint32_t)node->outputs[0] >= variant->tensors.count) return EQ_ERR_FORMAT;
    return EQ_OK;
}

/* Every entry is looked at, so that a file is good or bad on all instruction sets. */
int eq_reader_weights(const struct eq_reader *reader, const struct eq_variant *variant, uint32_t index, struct eq_node *node) {
    const struct eq_body *body = &reader->body;
    struct eq_table table, entry;
    struct eq_vector packed, layout;
    TRY(eq_vector_table(body, &variant->operators, index, &table));
    TRY(eq_table_vector(body, &table, OPERATOR_PACKED, 4, &packed));
    if (packed.count > EQ_MAX_PACKED) return EQ_ERR_FORMAT;
    for (uint32_t i = 0; i < packed.count; i++) {
        const uint8_t *data, *low = NULL;
        uint32_t buffer, low_buffer, size, low_size = 0;
        TRY(eq_vector_table(body, &packed, i, &entry));
        TRY(eq_table_vector(body, &entry, PACKED_LAYOUT, 4, &layout));
        TRY(eq_table_u32(body, &entry, PACKED_BUFFER, UINT32_MAX, &buffer));
        TRY(eq_table_u32(body, &entry, PACKED_LOW, UINT32_MAX, &low_buffer));
        TRY(eq_reader_buffer(reader, buffer, &data, &size));
        if (low_buffer != UINT32_MAX) TRY(eq_reader_buffer(reader, low_buffer, &low, &low_size));
        if (layout.count != sizeof node->layout / 4) return EQ_ERR_FORMAT;
        if (node->in_file || memcmp(layout.data, &node->layout, sizeof node->layout)) continue;
        if (!node->weight_bytes || size != node->weight_bytes || low_size != node->low_bytes) continue;
        if ((uintptr_t)data % EQ_ALIGN || (uintptr_t)low % EQ_ALIGN) continue; /* buffers of Model.alignment 16 */
        node->weights = (void *)(uintptr_t)data;                               /* const, as in_file says */
        node->low = (void *)(uintptr_t)low;
        node->in_file = 1;
    }
    return EQ_OK;
}

static int read_permutation(const struct eq_body *body, const struct eq_table *table, struct eq_edge_row *edge) {
    struct eq_vector permutation;
    unsigned seen = 0;
    TRY(eq_table_vector(body, table, EDGE_PERMUTATION, 4, &permutation));
    if (permutation.data && permutation.count != edge->rank) return EQ_ERR_FORMAT;
    for (uint32_t i = 0; i < edge->rank; i++) {
        int32_t axis = permutation.data ? eq_vector_int(&permutation, i) : (int32_t)i;
        if (axis < 0 || axis >= edge->rank || seen >> axis & 1) return EQ_ERR_FORMAT;
        seen |= 1u << axis;
        edge->permutation[i] = (uint8_t)axis;
    }
    return EQ_OK;
}

/* Which types an application may hand over for a tensor: SPEC.md 3.3. */
static int edge_fits(int type, const struct eq_tensor *tensor) {
    if (tensor->type == type) return eq_type_bits(type) >= 8;
    int quantized = eq_is_positive(tensor->scale);
    if (tensor->type == EQ_TYPE_s16) return type == EQ_TYPE_f32 && quantized && tensor->zero == 0;
    if (tensor->type == EQ_TYPE_s8) return type == EQ_TYPE_u8 || (type == EQ_TYPE_f32 && quantized);
    return tensor->type == EQ_TYPE_f32 && (type == EQ_TYPE_s8 || type == EQ_TYPE_u8) && quantized;
}

int eq_reader_edge(const struct eq_reader *reader, const struct eq_vector *edges, uint32_t index, const struct eq_tensor *tensor,
                   struct eq_edge_row *edge) {
    const struct eq_body *body = &reader->body;
    struct eq_table table;
    size_t count;
    TRY(eq_vector_table(body, edges, index, &table));
    TRY(eq_table_string(body, &table, EDGE_NAME, &edge->name));
    TRY(read_shape(body, &table, EDGE_SHAPE, edge->shape, &edge->rank, &count));
    TRY(eq_table_u8(body, &table, EDGE_TYPE, 0, &edge->type));
    TRY(read_permutation(body, &table, edge));
    if (edge->rank != tensor->rank || tensor->data || !edge_fits(edge->type, tensor)) return EQ_ERR_FORMAT;
    for (uint32_t i = 0; i < edge->rank; i++)
        if (tensor->dims[i] != edge->shape[edge->permutation[i]]) return EQ_ERR_FORMAT;
    return EQ_OK;
}

int eq_reader_samples(const struct eq_reader *reader, const struct eq_variant *variant, struct eq_samples *samples) {
    struct eq_table table;
    memset(samples, 0, sizeof *samples);
    if (!eq_table_has(&variant->table, VARIANT_SELFTEST)) return EQ_OK;
    samples->present = 1;
    TRY(eq_table_table(&reader->body, &variant->table, VARIANT_SELFTEST, &table));
    TRY(eq_table_vector(&reader->body, &table, SELFTEST_INPUTS, 4, &samples->inputs));
    TRY(eq_table_vector(&reader->body, &table, SELFTEST_SEEDS, 4, &samples->seeds));
    return eq_table_vector(&reader->body, &table, SELFTEST_OUTPUTS, 4, &samples->outputs);
}
